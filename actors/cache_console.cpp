#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "actors/cache_impl.hpp"
#include "actors/console_format.hpp"

namespace cascade {
namespace {

using nlohmann::json;

template <class Cache>
json numbers_of(const Cache& cache) {
  const cache_counters& c = cache.counters();
  json gone = json::object();
  for (std::size_t i = 0; i < forgotten_names.size(); ++i)
    gone[std::string(forgotten_names[i])] = c.forgotten[i];
  return {{"entries", cache.size()}, {"bytes", cache.bytes()},
          {"hits", c.hits},          {"misses", c.misses},
          {"loads", c.loads},        {"stale_prevented", c.stale_prevented},
          {"written", c.written},    {"invalidations", std::move(gone)}};
}

json text_or_null(const std::string& s) { return s.empty() ? json() : json(s); }

console_answer show(std::int64_t id, const task_found& f) {
  const task_info& t = f.info;
  return key_values(
      {{"task", id},
       {"job", t.job ? json(t.job.value) : json()},
       {"status", std::string(to_string(t.state))},
       {"waiting_reason", t.reason ? json(std::string(to_string(*t.reason))) : json()},
       {"priority", t.priority},
       {"attempt", t.attempt},
       {"max_attempts", t.attempts_max},
       {"queue", t.queue},
       {"handler", t.handler},
       {"step", text_or_null(t.step)},
       {"source", f.from_memory ? "memory" : "rows"}});
}

console_answer show(std::int64_t id, const job_found& f) {
  const job_info& j = f.info;
  return key_values({{"job", id},
                     {"workflow", text_or_null(j.workflow)},
                     {"version", j.version == 0 ? json() : json(j.version)},
                     {"status", std::string(to_string(j.state))},
                     {"priority", j.priority},
                     {"keep_open", j.keep_open},
                     {"source", f.from_memory ? "memory" : "rows"}});
}

template <class Found, class Get>
caf::result<console_answer> ask(cache_self self, std::int64_t id, Get get) {
  auto promise = self->make_response_promise<console_answer>();
  self->request(cache_actor(self), std::chrono::seconds(2), get)
      .then([promise, id](const Found& f) mutable { promise.deliver(show(id, f)); },
            [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
  return promise;
}

console_answer table(const cache_state& s) {
  const json all = numbers(s);
  console_answer a;
  a.text = fmt::format("{:<10} {:>8} {:>10} {:>10} {:>10} {:>8} {:>8}  {}\n", "ROWS", "ENTRIES",
                       "BYTES", "HITS", "MISSES", "LOADS", "STALE", "INVALIDATIONS");
  for (const auto& [what, n] : all.items()) {
    std::string gone;
    for (const auto& [why, count] : n["invalidations"].items())
      if (count != 0) gone += (gone.empty() ? "" : ", ") + why + " " + count.dump();
    a.text += fmt::format("{:<10} {:>8} {:>10} {:>10} {:>10} {:>8} {:>8}  {}\n", what,
                          n["entries"].dump(), n["bytes"].dump(), n["hits"].dump(),
                          n["misses"].dump(), n["loads"].dump(), n["stale_prevented"].dump(), gone);
  }
  a.json = all.dump();
  return a;
}

}  // namespace

json numbers(const cache_state& s) {
  return {{"tasks", numbers_of(s.tasks)},
          {"jobs", numbers_of(s.jobs)},
          {"workflows", numbers_of(s.plans)}};
}

caf::result<console_answer> answer(cache_self self, const console_query& q) {
  if (q.command == "cache") return table(self->state);
  std::int64_t id = 0;
  const auto end = q.argument.data() + q.argument.size();
  const auto [stop, problem] = std::from_chars(q.argument.data(), end, id);
  if (problem != std::errc{} || stop != end || id <= 0)
    return caf::make_error(errc::not_found, "the id of a " + q.command + " is a positive number");
  if (q.command == "job") return ask<job_found>(self, id, get_job{job_id{id}});
  return ask<task_found>(self, id, get_task{task_id{id}});
}

}  // namespace cascade
