#include "service/actor_waits.hpp"

#include <memory>

namespace cascade {

std::shared_future<caf::error> end_of(const supervisor_actor& whom) {
  const auto gone = std::make_shared<std::promise<caf::error>>();
  caf::actor_cast<caf::actor>(whom)->attach_functor(
      [gone](const caf::error& reason) { gone->set_value(reason); });
  return gone->get_future().share();
}

std::future<std::size_t> drain_all(caf::actor_system& system, const drainable& whom,
                                   std::chrono::milliseconds within) {
  const auto left = std::make_shared<std::promise<std::size_t>>();
  system.spawn(
      [whom, within, left](caf::event_based_actor* self, int) {
        self->request(whom, within + std::chrono::seconds(10), drain{within})
            .then([left](const drained& d) { left->set_value(d.left); },
                  [left](const caf::error&) { left->set_value(1); });
      },
      0);  // (CAF 0.17 dereferences null for a functor without arguments.)
  return left->get_future();
}

}  // namespace cascade
