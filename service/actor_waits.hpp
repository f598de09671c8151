// service/actor_waits.hpp
//
// How the service's own thread waits for actors. CAF's blocking receives wait by the wall clock, and
// somebody may set that back by an hour in the middle; futures wait by the monotonic one.
#pragma once

#include <future>

#include "actors/messages.hpp"

namespace cascade {

// Ready with the reason when the actor has ended.
std::shared_future<caf::error> end_of(const supervisor_actor& whom);

using drainable = caf::typed_actor<caf::replies_to<drain>::with<drained>>;

// What `drained` says was left, or 1 when the actor is gone.
std::future<std::size_t> drain_all(caf::actor_system& system, const drainable& whom,
                                   std::chrono::milliseconds within);

}  // namespace cascade
