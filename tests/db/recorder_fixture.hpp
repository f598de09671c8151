// tests/db/recorder_fixture.hpp
//
// A recorder on a real database, and one sender that keeps what it is answered.
#pragma once

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "actors/recorder.hpp"
#include "tests/support/database_test.hpp"

namespace cascade {

struct recorder_fixture : database_test {
  recorder_actor actor;
  record_sink sender;
  std::vector<cascade::recorded> answers;
  std::uint64_t tickets = 0;

  recorder_fixture() {
    settings.batches_in_flight = 1;
    sender = spawn_part<record_sink>([this](auto*) {
      return record_sink::behavior_type{
          [this](cascade::recorded& r) { answers.push_back(std::move(r)); }};
    });
  }
  ~recorder_fixture() override { end_database(); }

  void run() {
    own();
    actor = keep(spawn_recorder(sys, context(), gateway));
    round_trip();
  }
  void write(settlement s) {
    s.ticket = ++tickets;
    tell(sender, actor, record{std::move(s)});
    settle();
  }
  settlement completion(task_id id, std::string result = {}) {
    settlement s;
    s.completed.push_back(
        {id, {}, 1, task_state::completed, {}, {}, std::move(result), {}, {}, -1});
    return s;
  }
  void complete(task_id id, std::string result = {}) { write(completion(id, std::move(result))); }
  std::vector<task_id> make_tasks(int n) {
    std::vector<task_id> out;
    for (int i = 0; i < n; ++i) out.push_back(make_task());
    return out;
  }
  void wait_answers(std::size_t n) {
    until([&] { return answers.size() >= n; });
    round_trip();
    ASSERT_THAT(answers, testing::SizeIs(n));
  }
  std::vector<std::uint64_t> answered() const {
    std::vector<std::uint64_t> out;
    for (const auto& r : answers) out.push_back(r.ticket);
    return out;
  }
  nlohmann::json shown() {
    return nlohmann::json::parse(ask<description>(actor, describe{})->detail);
  }
  std::int64_t batches(int writer = 0) {
    return number("select batch from cascade.writer where epoch = " + std::to_string(epoch.value) +
                  " and writer = " + std::to_string(writer));
  }
  // How many tasks each transaction completed, in order.
  std::string completed_together() {
    return value(
        "select string_agg(n::text, ' ' order by first) from (select count(*) as n, "
        "min(id) as first from cascade.task where status >= 'completed' group by xmin) x");
  }
};

}  // namespace cascade
