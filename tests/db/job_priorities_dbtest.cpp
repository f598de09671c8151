// New priorities and a job's steps: what follows along its dependencies, and what is inserted later.
#include "tests/db/job_fixture.hpp"

namespace cascade {
namespace {

using testing::ElementsAre;

const json chain = json::parse(R"([
  {"name": "a"}, {"name": "b", "depends_on": ["a"]}, {"name": "c", "depends_on": ["b"]},
  {"name": "side"}])");
const json fan = json::parse(R"([
  {"name": "list"},
  {"name": "each", "depends_on": ["list"], "for_each": "steps.list.result", "priority": 20},
  {"name": "sum", "depends_on": ["each"]}])");

struct job_priorities : job_fixture {
  task_id id_of(const std::string& step, int item = -1) {
    return task_id{number("select id from cascade.task where step = '" + step + "'" +
                          (item < 0 ? "" : " and item = " + std::to_string(item)))};
  }
  std::string name_of(task_id task) {
    return value("select step || coalesce('#' || item, '') from cascade.task where id = " +
                 std::to_string(task.value));
  }
  // "a=90 b=90": what else changes.
  std::string set(const std::vector<std::pair<task_id, int>>& wished,
                  std::optional<std::uint8_t> of_job = {}) {
    reprioritize_job r;
    r.job = of_job;
    for (const auto& [task, priority] : wished)
      r.tasks.push_back({task, id, static_cast<std::uint8_t>(priority)});
    auto answer = begin_ask(actor, std::move(r));
    round_trip();
    round_trip();
    auto told = take<reprioritized>(std::move(answer));
    if (!told) return "no answer";
    std::vector<std::string> out;
    for (const task_priority& t : told->raised)
      out.push_back(name_of(t.task) + "=" + std::to_string(t.priority));
    std::ranges::sort(out);
    std::string all;
    for (const auto& one : out) all += (all.empty() ? "" : " ") + one;
    return all;
  }
};

TEST_F(job_priorities, a_step_that_is_raised_raises_what_it_waits_for) {
  run(chain);
  wait_released(2);
  EXPECT_EQ(set({{id_of("c"), 90}}), "a=90 b=90");
  EXPECT_EQ(set({{id_of("c"), 95}, {id_of("b"), 97}}), "a=97 b=97") << "b was asked for last";
}

TEST_F(job_priorities, lowering_stays_where_it_is_and_so_does_a_raise_that_is_lower_than_theirs) {
  run(chain);
  wait_released(2);
  EXPECT_EQ(set({{id_of("c"), 10}}), "");
  EXPECT_EQ(set({{id_of("c"), 40}}), "") << "they have 50";
}

TEST_F(job_priorities, what_has_ended_is_left_alone_and_what_is_released_later_knows) {
  run(chain);
  wait_released(2);
  ends("a");
  EXPECT_THAT(wait_released(1), ElementsAre("b"));
  EXPECT_EQ(set({{id_of("c"), 90}}), "b=90");
  ends("b");
  EXPECT_THAT(wait_released(1), ElementsAre("c"));
  EXPECT_EQ(tasks.at("c").priority, 90);
}

TEST_F(job_priorities, a_task_that_is_just_being_released_knows) {
  run(chain);
  wait_released(2);
  const auto b = id_of("b");
  ends("a");  // b is being written
  EXPECT_EQ(set({{b, 90}}), "");
  released();
  EXPECT_EQ(tasks.at("b").priority, 90);
}

TEST_F(job_priorities, all_items_of_a_fan_out_are_raised) {
  run(fan);
  wait_released(1);
  EXPECT_EQ(set({{id_of("sum"), 70}}), "each=70 list=70") << "it is not expanded yet";
  ends("list", "[1, 2, 3]");
  wait_released(3);
  EXPECT_EQ(value("select string_agg(distinct priority::text, ' ') from cascade.task where step = "
                  "'each' and item > 0"),
            "70")
      << "they are like the row they come from";
  ends("each#1");
  round_trip();
  EXPECT_EQ(set({{id_of("sum"), 80}}), "each#0=80 each#2=80");
}

TEST_F(job_priorities, a_job_hands_its_priority_to_steps_that_come_later) {
  run(fan);
  wait_released(1);
  EXPECT_EQ(set({}, 77), "");
  ends("list", "[1, 2]");
  wait_released(2);
  EXPECT_EQ(tasks.at("each#0").priority, 77) << "though its definition says 20";
  EXPECT_EQ(tasks.at("each#1").priority, 77);
  EXPECT_EQ(value("select priority from cascade.task where step = 'each' and item = 1"), "77");
}

TEST_F(job_priorities, a_job_that_is_still_inserting_its_steps_answers_when_it_has) {
  define(chain);
  make();
  spawn();
  auto answer = begin_ask(actor, reprioritize_job{});
  settle();
  EXPECT_FALSE(self->has_next_message());
  until([this] { return self->has_next_message(); });
  EXPECT_TRUE(take<reprioritized>(std::move(answer)));
}

TEST_F(job_priorities, a_restart_finds_them_in_the_rows) {
  run(chain);
  wait_released(2);
  run_sql("update cascade.task set priority = 88 where step in ('b', 'c')");
  caf::anon_send_exit(actor, caf::exit_reason::kill);
  spawn();
  round_trip();
  round_trip();
  ends("a");
  EXPECT_THAT(wait_released(1), ElementsAre("b"));
  EXPECT_EQ(tasks.at("b").priority, 88);
}

}  // namespace
}  // namespace cascade
