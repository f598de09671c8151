// A job whose actor, or whose node, was lost goes on where its rows say; a failed one gets another
// round.
#include "tests/db/job_fixture.hpp"
#include "tests/support/seed.hpp"

namespace cascade {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

const json diamond = json::parse(R"([
  {"name": "a"}, {"name": "b", "depends_on": ["a"]}, {"name": "c", "depends_on": ["a"]},
  {"name": "d", "depends_on": ["b", "c"]}])");

struct job_recovery : job_fixture {
  using job_fixture::job_fixture;
  void lose_actor() {
    caf::anon_send_exit(actor, caf::exit_reason::kill);
    settle();
  }
  // What a load hands to a new scheduler: steps that are released and not over.
  std::vector<std::string> load() {
    tasks.clear();
    scheduler.released.clear();
    const auto r = must(admin.exec(
        "select id, step, coalesce(item, -1), attempt::int from cascade.task where status in "
        "('pending', 'running') and step is not null order by id"));
    std::vector<std::string> out;
    for (int i = 0; i < r.size(); ++i) {
      arrival a;
      a.id = task_id{r.int64(i, 0)};
      a.body.step = r.text(i, 1);
      a.body.item = r.int32(i, 2);
      a.attempt = r.int32(i, 3);
      out.push_back(a.body.step + (a.body.item < 0 ? "" : "#" + std::to_string(a.body.item)));
      tasks[out.back()] = std::move(a);
    }
    return out;
  }
  void reopen() {
    must(
        database.connect("cascade_engine").exec(sql::reopen_job.text, pg::params{}.int8(id.value)));
  }
};

struct job_recovery_small_batches : job_recovery {
  job_recovery_small_batches() : job_recovery(2) {}
};

TEST_F(job_recovery, a_recovered_job_releases_nothing_that_its_rows_have_released) {
  run(diamond);
  wait_released(1);
  ends("a");
  wait_released(2);
  ends("b");
  round_trip();
  lose_actor();
  spawn();
  round_trip();
  round_trip();
  EXPECT_THAT(released(), IsEmpty());
  EXPECT_THAT(load(), ElementsAre("c"));
  ends("c");
  EXPECT_THAT(wait_released(1), ElementsAre("d"));
  ends("d");
  wait_end();
  EXPECT_EQ(job_status(), "completed");
}

TEST_F(job_recovery, a_recovered_job_decides_what_was_not_decided_yet) {
  run(diamond);
  wait_released(1);
  lose_actor();
  must(database.connect("cascade_engine")
           .exec_text("update cascade.task set status = 'completed', started_at = now(), "
                      "finished_at = now(), finished_on = cascade.today() where step = 'a'"));
  spawn();
  EXPECT_THAT(wait_released(2), UnorderedElementsAre("b", "c"));
}

TEST_F(job_recovery_small_batches,
       items_of_a_fan_out_that_were_not_committed_are_inserted_by_the_next_actor) {
  run(json::parse(R"([{"name": "list"}, {"name": "each", "depends_on": ["list"],
    "for_each": "steps.list.result", "input": {"n": "${item}"}}])"));
  wait_released(1);
  ends("list", "[10, 20, 30, 40, 50, 60]");
  wait_released(6);
  lose_actor();
  must(
      admin.exec("delete from cascade.task where item > 2"));  // as if the node had died in between
  spawn();
  EXPECT_THAT(wait_released(3), UnorderedElementsAre("each#3", "each#4", "each#5"));
  EXPECT_THAT(load(), ElementsAre("each#0", "each#1", "each#2", "each#3", "each#4", "each#5"));
  EXPECT_EQ(value("select payload from cascade.task where item = 5"), "{\"n\": 60}");
  for (const int item : {0, 1, 2, 3, 4, 5}) ends("each#" + std::to_string(item));
  wait_end();
  EXPECT_EQ(number("select completed from cascade.jobs"), 7);
}

TEST_F(job_recovery, a_job_lost_before_its_rows_were_committed_starts_anew) {
  run(diamond);
  lose_actor();
  round_trip();
  scheduler.released.clear();
  EXPECT_EQ(job_status(), "pending");
  spawn();
  EXPECT_THAT(wait_released(1), ElementsAre("a"));
  EXPECT_EQ(number("select count(*) from cascade.task"), 4);
}

TEST_F(job_recovery, a_failed_job_gets_another_round_of_what_failed_and_of_nothing_else) {
  run(diamond);
  wait_released(1);
  ends("a");
  wait_released(2);
  fails("b", "no disk");
  ends("c");
  wait_end();
  reopen();
  scheduler.ended.clear();
  spawn(true);
  EXPECT_THAT(wait_released(1), ElementsAre("b"));
  EXPECT_EQ(rows(), "a completed, b pending, c completed, d waiting");
  EXPECT_EQ(value("select outcome || ' ' || error from cascade.attempt_log"), "failed no disk");
  EXPECT_FALSE(tasks["b"].has_payload) << "read from its row: somebody may have changed it";
  ends("b");
  EXPECT_THAT(wait_released(1), ElementsAre("d"));
  ends("d");
  wait_end();
  EXPECT_EQ(job_status(), "completed");
  EXPECT_EQ(value("select error from " + job_row()), "(null)");
}

TEST_F(job_recovery, a_step_of_a_running_job_is_redriven_alone) {
  run(diamond);
  wait_released(1);
  ends("a");
  wait_released(2);
  fails("b");
  round_trip();
  command("retry_task", tasks["b"].id);
  EXPECT_THAT(wait_released(1), ElementsAre("b"));
  EXPECT_EQ(rows(), "a completed, b pending, c pending, d waiting");
}

TEST_F(job_recovery, tasks_of_a_job_that_has_ended_are_orphans_and_are_cancelled) {
  run(diamond);
  wait_released(1);
  command("cancel_job");
  wait_end();
  scheduler.ended.clear();
  run_sql("set session_replication_role = replica");
  const task_id orphan = make_task({.job = id.value});
  job_start start;
  start.job = id;
  actor = keep(spawn_job(sys, context(), {scheduler.actor, recorder, catalog}, start));
  wait_end();
  EXPECT_EQ(status_of(orphan), "cancelled");
}

// However often its actor is lost, and wherever: each step ends once, and so does the job.
TEST_F(job_recovery, a_job_whose_actor_is_lost_at_random_ends_once_with_every_step) {
  const auto seed = test_seed();
  std::mt19937_64 random(seed);
  run(json::parse(R"([
    {"name": "list"},
    {"name": "each", "depends_on": ["list"], "for_each": "steps.list.result",
     "input": {"n": "${item}"}},
    {"name": "other", "depends_on": ["list"]},
    {"name": "sum", "depends_on": ["each", "other"], "input": {"all": "${steps.each.result}"}}])"),
      "${steps.sum.result}");
  int losses = 0;
  for (int step = 0; step < 500 && scheduler.ended.empty(); ++step) {
    switch (random() % 6) {
      case 0:
        if (losses == 20) break;
        ++losses;
        lose_actor();  // with or without a settlement on its way
        round_trip();
        if (job_status() != "running" && job_status() != "pending") {  // it had ended already
          scheduler.ended.push_back(id);
          break;
        }
        spawn();
        load();
        break;
      case 1:
      case 2:
        round_trip();
        released();
        break;
      default: {
        released();
        if (tasks.empty()) break;
        auto at = tasks.begin();
        std::advance(at, static_cast<long>(random() % tasks.size()));
        const std::string name = at->first;
        ends(name, name == "list" ? "[1, 2, 3]" : name == "sum" ? "6" : "0");
        tasks.erase(name);
      }
    }
  }
  for (int i = 0; i < 20; ++i) round_trip();
  EXPECT_THAT(scheduler.ended, ElementsAre(id));
  EXPECT_EQ(job_status(), "completed");
  EXPECT_EQ(value("select result from " + job_row()), "6");
  EXPECT_EQ(rows(),
            "each#0 completed, each#1 completed, each#2 completed, list completed, "
            "other completed, sum completed");
}

}  // namespace
}  // namespace cascade
