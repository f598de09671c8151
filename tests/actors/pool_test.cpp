// Which slot is whose: what the pool makes of tasks that are stopped.
#include "actors/pool.hpp"

#include <gmock/gmock.h>

#include "tests/support/played/engine_test.hpp"

namespace cascade {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

using outcome_sink = caf::typed_actor<caf::reacts_to<tasks_done>, caf::reacts_to<pool_inventory>>;

struct pool : engine_test {
  struct played_worker {
    worker_actor actor;
    std::vector<std::int64_t> runs, cancels;
  };
  std::map<std::size_t, played_worker> workers;
  std::vector<task_done> done;
  pool_actor actor;

  pool() { settings.workers = 2; }
  ~pool() override { end_all(); }

  void run() {
    const auto nobody = spawn_part<supervisor_actor>([](auto*) {
      return supervisor_actor::behavior_type{
          [](const child_ready&) {},
          [](const start_child&) -> caf::result<child_started> { return child_started{}; },
          [](const stop_child&) { return child_stopped{}; },
          [](const restart_child&) { return child_started{}; },
          [](const describe&) { return description{}; },
          [](const find_child&) { return child_found{}; },
          [](const restart_query&) { return restart_counters{}; },
      };
    });
    actor = keep(spawn_pool(sys, context(), nobody));
    const auto sink = spawn_part<outcome_sink>([this](auto*) {
      return outcome_sink::behavior_type{[this](tasks_done& d) {
                                           std::move(d.tasks.begin(), d.tasks.end(),
                                                     std::back_inserter(done));
                                         },
                                         [](const pool_inventory&) {}};
    });
    tell(sink, actor, attach_pool{});
    settle();
  }
  void hello(std::size_t index) {
    played_worker& w = workers[index];
    w.actor = spawn_part<worker_actor>([&w](auto*) {
      return worker_actor::behavior_type{
          [&w](const run_tasks& r) {
            for (const task_run& one : r.runs) w.runs.push_back(one.id.value);
          },
          [&w](const cancel_run& c) { w.cancels.push_back(c.id.value); },
          [](const describe&) { return description{}; },
      };
    });
    tell(w.actor, actor, worker_hello{index, false});
    settle();
  }
  void start(std::int64_t id) {
    run_tasks r;
    r.runs.emplace_back();
    r.runs.back().id = task_id{id};
    tell(actor, actor, std::move(r));
    settle();
  }
  void cancel(std::int64_t id) {
    tell(actor, actor, cancel_run{task_id{id}});
    settle();
  }
  void end(std::size_t worker, std::int64_t id) {
    tasks_done d;
    d.tasks.push_back({task_id{id}, 1, {}, {}, outcome::cancelled()});
    tell(workers.at(worker).actor, actor, std::move(d));
    settle();
  }
};

TEST_F(pool, a_slot_is_free_when_its_worker_says_so_though_the_task_runs_elsewhere) {
  run();
  start(1);
  hello(0);
  EXPECT_THAT(workers[0].runs, ElementsAre(1));
  cancel(1);
  EXPECT_THAT(workers[0].cancels, ElementsAre(1));
  start(1);
  hello(1);
  EXPECT_THAT(workers[1].runs, ElementsAre(1));
  end(0, 1);
  start(2);
  EXPECT_THAT(workers[0].runs, ElementsAre(1, 2));
  EXPECT_THAT(workers[1].runs, ElementsAre(1));
  cancel(1);
  EXPECT_THAT(workers[1].cancels, ElementsAre(1));
}

TEST_F(pool, a_task_that_waits_for_a_worker_can_be_cancelled) {
  run();
  start(1);
  cancel(1);
  ASSERT_THAT(done, SizeIs(1));
  EXPECT_EQ(done[0].id, task_id{1});
  EXPECT_EQ(done[0].how.how, outcome::kind::cancelled);
  hello(0);
  EXPECT_THAT(workers[0].runs, IsEmpty());
}

}  // namespace
}  // namespace cascade
