// tests/db/cache_fixture.hpp
//
// The cache and the recorder that tells it, on a real database; one sender writes through the recorder.
#pragma once

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "actors/cache.hpp"
#include "actors/recorder.hpp"
#include "tests/support/database_test.hpp"

namespace cascade {

struct cache_fixture : database_test {
  cache_actor actor;
  recorder_actor recorder;
  record_sink sender;
  std::vector<recorded> answers;
  std::uint64_t tickets = 0;

  cache_fixture() {
    settings.cache_rows_max = 20;
    settings.cache_ttl = 10s;
    sender = spawn_part<record_sink>([this](auto*) {
      return record_sink::behavior_type{[this](recorded& r) { answers.push_back(std::move(r)); }};
    });
    own();
    actor = keep(spawn_cache(sys, context(), gateway));
    recorder = keep(spawn_recorder(sys, context(), gateway, actor));
    settle();
    tell(gateway, actor, rows_changed{true});
    round_trip();
  }
  ~cache_fixture() override { end_database(); }

  void write(settlement s) {
    s.ticket = ++tickets;
    tell(sender, recorder, record{std::move(s)});
    settle();
  }
  void written() {
    until([&] { return answers.size() >= tickets; });
    EXPECT_EQ(answers.back().rejected, "");
  }
  // What the cache answers; reads what it does not know.
  template <class Found, class Get>
  std::optional<Found> get(Get question) {
    std::optional<Found> out;
    bool answered = false;
    auto asking = keep(sys.spawn(
        [](caf::event_based_actor* me, cache_actor whom, Get what, std::optional<Found>* to,
           bool* done) {
          me->request(whom, caf::infinite, what)
              .then(
                  [=](const Found& f) {
                    *to = f;
                    *done = true;
                  },
                  [=](const caf::error&) { *done = true; });
        },
        actor, question, &out, &answered));
    until([&] { return answered; });
    return out;
  }
  std::optional<task_found> task(std::int64_t id) { return get<task_found>(get_task{task_id{id}}); }
  std::optional<job_found> job(std::int64_t id) { return get<job_found>(get_job{job_id{id}}); }

  static std::string told(const task_info& t) {
    return std::string(to_string(t.state)) + "," +
           (t.reason ? std::string(to_string(*t.reason)) : "") + "," + std::to_string(t.priority) +
           "," + std::to_string(t.attempt) + "," + std::to_string(t.attempts_max) + "," +
           std::to_string(t.job.value) + "," + t.queue + "," + t.handler + "," + t.step;
  }
  static std::string told(const job_info& j) {
    return std::string(to_string(j.state)) + "," + std::to_string(j.priority) + "," +
           (j.keep_open ? "t" : "f") + "," + j.workflow;
  }
  std::string task_row(std::int64_t id) {
    return value(
        "select coalesce((select concat_ws(',', status, coalesce(waiting_reason::text, ''), "
        "priority, attempt, max_attempts, coalesce(job_id, 0), queue, handler, coalesce(step, '')) "
        "from cascade.task where id = " +
        std::to_string(id) + "), 'none')");
  }
  std::string job_row(std::int64_t id) {
    return value(
        "select coalesce((select concat_ws(',', status, priority, keep_open, coalesce(workflow, "
        "'')) from cascade.job where id = " +
        std::to_string(id) + "), 'none')");
  }
  std::int64_t shown(const char* rows, const std::string& what) {
    const auto d = ask<description>(actor, describe{});
    const auto all = nlohmann::json::parse(d->detail);
    const auto& n = all[rows];
    return (n.contains(what) ? n[what] : n["invalidations"][what]).get<std::int64_t>();
  }
  static completed_attempt completion(std::int64_t id, task_state state, int attempt = 1) {
    return {task_id{id}, {}, attempt, state, {}, {}, {}, {}, {}, -1};
  }
};

}  // namespace cascade
