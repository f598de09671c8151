// Why a task is not running, as the scheduler's memory tells: no database answers here. Both sources
// together are tests/db/scheduler_why_dbtest.cpp.
#include "state/instant_text.hpp"
#include "tests/support/played/scheduler_parts.hpp"

namespace cascade {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct scheduler_why : scheduler_test {
  std::string refused;  // the last question that was not answered

  json why(const std::string& id) {
    auto told = ask<console_answer>(scheduler, console_query{"why", id});
    refused = told ? "" : error_text(told.error());
    return told ? json::parse(told->json) : json::object();
  }
  json why(std::int64_t id) { return why(std::to_string(id)); }
  std::string verdict(std::int64_t id) { return why(id).value("verdict", refused); }
  static ids because(const json& told) {
    ids out;
    for (const json& b : told.value("because", json::array()))
      out.push_back(b["task"].get<std::int64_t>());
    return out;
  }

  // As read from the database.
  void queues(std::vector<queue_settings> rows) {
    tell(gateway, scheduler, queues_loaded{1, true, std::move(rows), {}});
    settle();
  }
  static arrival in(const std::string& queue, std::int64_t id, const std::string& rate_key = {}) {
    arrival a = task(id, 50, queue);
    a.body.rate_key = rate_key;
    return a;
  }
  // How long from now the answer says it will take.
  std::chrono::milliseconds left(const json& told) {
    const auto until = parse_instant(told.value("until", ""));
    if (!until) return -1ms;
    return std::chrono::round<std::chrono::milliseconds>(*until - database_now());
  }
};

TEST_F(scheduler_why, a_task_that_runs) {
  settings.node_name = "n1";
  run({task(1)});
  elapse(2s);
  const json told = why(1);
  EXPECT_EQ(told["verdict"], "running");
  EXPECT_EQ(told["node"], "n1");
  EXPECT_EQ(told["source"], "owner");
  EXPECT_EQ(told["live"], true);
  EXPECT_EQ(parse_instant(told["since"].get<std::string>()), database_now() - 2s);
  EXPECT_THAT(told["text"].get<std::string>(), HasSubstr("attempt 1 of 5"));
}

TEST_F(scheduler_why, a_full_pool_with_who_is_in_it_and_the_place_in_line) {
  slots = 2;
  run({task(1), task(2)});
  arrive({task(3), task(4, 90), task(5, 50, "other")});
  EXPECT_THAT(started(), ElementsAre(1, 2));
  EXPECT_EQ(why(4)["place"], 1);
  const json told = why(3);
  EXPECT_EQ(told["verdict"], "worker_capacity");
  EXPECT_THAT(because(told), ElementsAre(1, 2));
  EXPECT_EQ(told["because"][0]["verdict"], "running");
  const auto place = told["place"].get<int>();
  EXPECT_TRUE(place == 2 || place == 3) << "the other queue takes turns with this one";
  EXPECT_EQ(place + why(5)["place"].get<int>(), 5);
  finish(1);
  EXPECT_THAT(started(), ElementsAre(4));
  EXPECT_EQ(verdict(4), "running");
  EXPECT_EQ(verdict(1), "the database is not reachable: the row of task 1 cannot be read")
      << "it has left memory";
}

TEST_F(scheduler_why, of_those_in_the_way_five_are_named) {
  slots = 7;
  std::vector<arrival> all;
  for (int i = 1; i <= 8; ++i) all.push_back(task(i));
  run(std::move(all));
  const json told = why(8);
  EXPECT_EQ(told["because"].size(), 5u);
  EXPECT_EQ(told["more"], true);
}

TEST_F(scheduler_why, quick_tasks_wait_for_what_is_not_recorded_yet) {
  settings.quick_max = 1;
  run();
  arrive({quick(1), quick(2)});
  const json told = why(2);
  EXPECT_EQ(told["verdict"], "worker_capacity");
  EXPECT_THAT(because(told), IsEmpty());
  EXPECT_EQ(told["place"], 1);
}

TEST_F(scheduler_why, tasks_of_which_only_the_ids_are_known_have_their_place) {
  slots = 0;
  run();
  std::vector<arrival> bare;
  for (int i = 1; i <= 3; ++i) {
    bare.push_back(task(i));
    bare.back().has_payload = false;
  }
  arrive(std::move(bare));
  EXPECT_EQ(number("cold"), 3);
  EXPECT_EQ(why(3)["place"], 3);
}

TEST_F(scheduler_why, a_concurrency_limit_with_its_holders_and_the_place_in_line) {
  slots = 10;
  run();
  queues({{"two", false, 2, {}, {}}});
  arrive({in("two", 1), in("two", 2), in("two", 3), in("two", 4), task(5)});
  EXPECT_THAT(started(), testing::UnorderedElementsAre(1, 2, 5));
  const json told = why(4);
  EXPECT_EQ(told["verdict"], "concurrency_limit");
  EXPECT_EQ(told["queue"], "two");
  EXPECT_EQ(told["limit"], 2);
  EXPECT_EQ(told["running"], 2);
  EXPECT_EQ(told["place"], 2);
  EXPECT_THAT(because(told), ElementsAre(1, 2)) << "not the one of the other queue";
  finish(1);
  EXPECT_EQ(why(4)["place"], 1);
  EXPECT_THAT(because(why(4)), ElementsAre(2, 3));
}

TEST_F(scheduler_why, the_slots_of_a_key_with_their_holders_and_the_place_in_line) {
  slots = 10;
  run();
  const auto keyed = [](std::int64_t id, const char* key) {
    arrival a = task(id);
    a.body.concurrency_key = key;
    return a;
  };
  arrive({keyed(1, "a"), keyed(2, "a"), keyed(3, "a"), keyed(4, "b")});
  const json told = why(3);
  EXPECT_EQ(told["verdict"], "concurrency_limit");
  EXPECT_EQ(told["concurrency_key"], "a");
  EXPECT_EQ(told["limit"], 1);
  EXPECT_EQ(told["running"], 1);
  EXPECT_EQ(told["place"], 2);
  EXPECT_THAT(because(told), ElementsAre(1)) << "not the one of the other key";
  finish(1);
  EXPECT_EQ(verdict(2), "running");
  EXPECT_EQ(why(3)["place"], 1);
}

TEST_F(scheduler_why, the_limit_of_a_job_or_a_workflow_with_its_holders) {
  slots = 10;
  run();
  attach(7, "w");
  attach(8, "w");
  tell(gateway, scheduler, queues_loaded{1, true, {}, {{"w", false, 2}}});
  settle();
  command("limit_job", 0, 7, R"({"concurrency": 1})");
  arrive({of_job(7, task(1), "a"), of_job(7, task(2), "b"), of_job(8, task(3), "a"),
          of_job(8, task(4), "b"), of_job(8, task(5), "c")});
  EXPECT_THAT(started(), ElementsAre(1, 3));
  json told = why(2);
  EXPECT_EQ(told["verdict"], "concurrency_limit");
  EXPECT_EQ(told["job"], 7);
  EXPECT_EQ(told["limit"], 1);
  EXPECT_THAT(because(told), ElementsAre(1));
  EXPECT_EQ(told["text"],
            "Job 7 runs 1 tasks, of 1 that it may run at a time; cascade.limit_job "
            "changes that. It is the next one.");
  told = why(5);
  EXPECT_EQ(told["workflow"], "w");
  EXPECT_EQ(told["running"], 2);
  EXPECT_EQ(told["place"], 2);
  EXPECT_THAT(because(told), ElementsAre(1, 3));
  tell(gateway, scheduler, queues_loaded{1, true, {}, {{"w", true, 0}}});
  settle();
  told = why(5);
  EXPECT_EQ(told["verdict"], "paused");
  EXPECT_EQ(told["workflow"], "w");
}

TEST_F(scheduler_why, the_limit_of_a_key_with_the_place_and_the_next_token) {
  run();
  queues({{"crawl", false, 0, {}, {0.5, 1}}});
  arrive({in("crawl", 1, "a"), in("crawl", 2, "a"), in("crawl", 3, "b"), in("crawl", 4)});
  EXPECT_THAT(started(), ElementsAre(4)) << "without a key";
  const json told = why(2);
  EXPECT_EQ(told["verdict"], "rate_limit");
  EXPECT_EQ(told["rate_key"], "a");
  EXPECT_EQ(told["rate"], 0.5);
  EXPECT_EQ(told["place"], 2);
  EXPECT_EQ(left(told), 4s);
  EXPECT_EQ(left(why(1)), 2s);
  EXPECT_EQ(why(3)["place"], 1);
  elapse(2001ms);
  EXPECT_EQ(verdict(1), "running");
  EXPECT_EQ(why(2)["place"], 1);
  EXPECT_EQ(left(why(2)), 2s) << "it counts from the start that happened";
}

TEST_F(scheduler_why, the_limit_of_a_queue_with_the_next_token) {
  run();
  queues({{"slow", false, 0, {1, 1}, {}}});
  arrive({in("slow", 1), in("slow", 2), in("slow", 3)});
  EXPECT_EQ(verdict(3), "rate_limit");
  EXPECT_EQ(why(3)["place"], 3);
  EXPECT_EQ(left(why(1)), 1s);
  EXPECT_EQ(left(why(3)), 3s);
  elapse(1001ms);
  EXPECT_EQ(verdict(1), "running");
  EXPECT_EQ(why(3)["place"], 2);
}

TEST_F(scheduler_why, a_task_whose_turn_has_come_may_wait_for_another_limit) {
  run();
  queues({{"both", false, 1, {}, {1, 1}}});
  arrive({in("both", 1, "a"), in("both", 2, "b")});
  EXPECT_EQ(verdict(1), "rate_limit");
  elapse(1001ms);
  EXPECT_EQ(verdict(1), "running");
  EXPECT_EQ(verdict(2), "concurrency_limit");
  EXPECT_THAT(because(why(2)), ElementsAre(1));
  EXPECT_FALSE(why(2).contains("place")) << "it has left its line";
}

TEST_F(scheduler_why, a_paused_queue) {
  run();
  queues({{"shut", true, 0, {}, {}}});
  arrive({in("shut", 1)});
  EXPECT_EQ(verdict(1), "paused");
  EXPECT_EQ(why(1)["queue"], "shut");
  EXPECT_THAT(why(1)["text"].get<std::string>(), HasSubstr("cascade.resume_queue('shut')"));
  queues({{"shut", false, 0, {}, {}}});
  EXPECT_EQ(verdict(1), "running");
}

TEST_F(scheduler_why, a_paused_job_whether_its_task_is_in_line_or_not) {
  slots = 1;
  run({task(9)});
  attach(7, "");
  arrive({of_job(7, task(1)), of_job(7, task(2))});
  command("pause_job", 0, 7);
  EXPECT_EQ(verdict(1), "paused") << "still in line: no worker has become free";
  EXPECT_EQ(why(1)["job"], 7);
  finish(9);
  EXPECT_EQ(scheduler_parts::number("ready"), 0);
  EXPECT_EQ(verdict(2), "paused");
  command("resume_job", 0, 7);
  EXPECT_EQ(verdict(1), "running");
  EXPECT_EQ(verdict(2), "worker_capacity");
}

TEST_F(scheduler_why, a_delay_and_its_due_time) {
  run();
  arrive({delayed(1, 1h)});
  EXPECT_EQ(verdict(1), "delay");
  EXPECT_EQ(left(why(1)), 1h);
}

TEST_F(scheduler_why, a_back_off_is_no_delay_and_a_snooze_is) {
  arrival loaded = delayed(3, 1h);
  loaded.reason = waiting_reason::retry_backoff;
  loaded.attempt = 2;
  arrival snoozed = delayed(4, 1h);
  snoozed.attempt = 2;
  run({task(1), task(2), loaded, snoozed});
  finish(1, outcome::retry("not yet", 5s));
  finish(2, outcome::snooze(5s));
  commit_all();
  EXPECT_EQ(verdict(1), "retry_backoff");
  EXPECT_EQ(left(why(1)), 5s);
  EXPECT_THAT(why(1)["text"].get<std::string>(), HasSubstr("Attempt 1 failed"));
  EXPECT_EQ(verdict(2), "delay");
  EXPECT_EQ(verdict(3), "retry_backoff");
  EXPECT_EQ(verdict(4), "delay");
}

TEST_F(scheduler_why, a_node_that_may_start_nothing_owns_nothing) {
  slots = 1;
  run({task(1), task(2)});
  announce({});
  EXPECT_EQ(verdict(2), "no_owner");
  EXPECT_EQ(why(2)["lane"], 2);
  EXPECT_EQ(verdict(1), "running");
  up();
  EXPECT_EQ(verdict(2), "worker_capacity");
  [[maybe_unused]] const auto draining = begin_ask(scheduler, drain{10s});
  EXPECT_EQ(verdict(2), "no_owner");
}

TEST_F(scheduler_why, what_memory_does_not_hold_is_not_made_up) {
  slots = 0;
  run({task(1), task(2)});
  command("cancel_task", 1);
  EXPECT_THAT(verdict(1), HasSubstr("cannot be read"));
  for (const char* id : {"", "x", "-1", "0", "1 2", "99999999999999999999"}) {
    why(id);
    EXPECT_THAT(refused, HasSubstr("the id of a task is a positive number")) << id;
  }
}

TEST_F(scheduler_why, what_waits_is_counted_by_queue_and_reason) {
  slots = 1;
  run();
  queues({{"shut", true, 0, {}, {}}, {"crawl", false, 0, {}, {1, 1}}, {"one", false, 1, {}, {}}});
  attach(7, "");
  arrive({in("crawl", 1, "a"), in("crawl", 2, "a")});  // parked
  arrive({in("one", 3), in("one", 4)});
  arrive({in("shut", 5), task(6), of_job(7, task(7)), delayed(8, 1h)});
  const auto told = ask<console_answer>(scheduler, console_query{"waiting", {}});
  ASSERT_TRUE(told);
  std::map<std::string, int> counted;
  const json rows = json::parse(told->json);
  for (const json& row : rows["waiting"])
    counted[row["queue"].get<std::string>() + " " + row["reason"].get<std::string>()] =
        row["tasks"].get<int>();
  EXPECT_EQ(counted, (std::map<std::string, int>{{"crawl rate_limit", 2},
                                                 {"one concurrency_limit", 1},
                                                 {"shut paused", 1},
                                                 {"default worker_capacity", 2},
                                                 {"default delay", 1}}));
  EXPECT_THAT(told->text, HasSubstr("concurrency_limit"));
  for (const std::int64_t id : {1, 2, 4, 5, 6, 7, 8})
    EXPECT_THAT(counted, testing::Contains(testing::Key(testing::EndsWith(" " + verdict(id)))))
        << id;
}

TEST_F(scheduler_why, the_text_names_those_in_the_way_below) {
  slots = 1;
  run({of_job(7, task(1), "load"), task(2)});
  const auto told = ask<console_answer>(scheduler, console_query{"why", "2"});
  ASSERT_TRUE(told);
  EXPECT_THAT(told->text,
              testing::MatchesRegex("task 2: worker_capacity\\. It is ready; .*\n"
                                    "  task 1 \\(load\\): running\\. It is running since .*\n"));
}

}  // namespace
}  // namespace cascade
