// actors/cache_impl.hpp
//
// Shared by the cache's own files only: its state.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "actors/cache.hpp"

namespace cascade {

// From the Asio side to the cache. No value: there is no such row.
struct task_read {
  std::uint64_t number = 0;
  bool ok = false;
  std::int64_t seen = 0;  // the last batch
  std::optional<task_info> info;
  std::string problem;
};
struct job_read {
  std::uint64_t number = 0;
  bool ok = false;
  std::int64_t seen = 0;
  std::optional<job_info> info;
  std::string problem;
};

}  // namespace cascade

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::task_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cascade::job_read)

namespace cascade {

using cache_impl = cache_actor::extend<caf::reacts_to<workflow_read>, caf::reacts_to<task_read>,
                                       caf::reacts_to<job_read>>;

using workflow_key = std::pair<std::string, int>;  // name, version
struct workflow_key_hash {
  std::size_t operator()(const workflow_key& k) const noexcept {
    return std::hash<std::string>{}(k.first) * 31 + static_cast<std::size_t>(k.second);
  }
};
using plan_cache =
    fenced_cache<workflow_key, std::shared_ptr<const workflow_plan>, workflow_key_hash>;

template <class Found>
struct promises {
  std::unordered_map<std::uint64_t, caf::typed_response_promise<Found>> by_number;
  std::uint64_t number = 0;

  std::uint64_t add(caf::typed_response_promise<Found> p) {
    by_number.emplace(++number, std::move(p));
    return number;
  }
  template <class Answer>
  void deliver(const std::vector<std::uint64_t>& to, const Answer& a) {
    for (const auto n : to)
      if (auto p = by_number.extract(n)) p.mapped().deliver(a);
  }
};

struct cache_state {
  static inline const char* name = "cascade.cache";
  engine_context_ptr context;
  bool up = false;
  bool loaded = false;  // in this epoch
  epoch_id epoch;
  plan_cache plans;
  task_cache tasks;
  job_cache jobs;
  promises<workflow_found> plan_askers;
  promises<task_found> task_askers;
  promises<job_found> job_askers;
};
using cache_self = cache_impl::stateful_pointer<cache_state>;

// cache_console.cpp
nlohmann::json numbers(const cache_state& s);
caf::result<console_answer> answer(cache_self self, const console_query& q);

}  // namespace cascade
