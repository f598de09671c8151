// The cache says what the rows say, after every step of everything that changes them.
#include <random>

#include "tests/db/cache_fixture.hpp"
#include "tests/support/seed.hpp"

namespace cascade {
namespace {

struct cache_rows : cache_fixture {};

// Steps from a printed seed. After each one, the cache is compared with the table: what it says of
// every task and job that is looked at is what the row says.
TEST_F(cache_rows, says_what_the_rows_say_after_every_step) {
  std::mt19937_64 random(test_seed());
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  std::vector<std::int64_t> tasks, jobs;
  const auto new_task = [&] {
    test::task_fields f;
    if (!jobs.empty() && below(3) == 0) f.job = jobs[below(jobs.size())];
    if (f.job != 0 && task_row(f.job) == "none") f.job = 0;
    if (f.job != 0 && value("select status < 'completed' from cascade.job where id = " +
                            std::to_string(f.job)) != "t")
      f.job = 0;
    tasks.push_back(make_task(f).value);
  };
  for (int i = 0; i < 3; ++i)
    jobs.push_back(number("insert into cascade.job (keep_open) values (true) returning id"));
  for (int i = 0; i < 25; ++i) new_task();
  using kind = single_write::kind;
  for (int step = 0; step < 400; ++step) {
    const auto id = tasks[below(tasks.size())];
    const auto j = jobs[below(jobs.size())];
    const int attempt = static_cast<int>(
        number("select attempt from cascade.task where id = " + std::to_string(id)));
    settlement s;
    s.job = job_id{j};
    switch (below(20)) {
      case 0:
        new_task();
        continue;
      case 1:
        s.started.push_back({task_id{id}, attempt + 1, {}});
        break;
      case 2:
        s.loose = true;
        [[fallthrough]];
      case 3:
        s.completed.push_back(completion(id, task_state::completed, attempt + 1));
        break;
      case 4:
        s.completed.push_back(completion(id, task_state::failed, attempt + 1));
        break;
      case 5:
        s.backed_off.push_back({task_id{id},
                                attempt + 1,
                                instant(std::chrono::hours(500'000)),
                                {},
                                {},
                                "broken",
                                below(2) == 0,
                                below(2) == 0});
        break;
      case 6:
        s.released.push_back(
            {task_id{id}, -1, {}, step_wait{std::chrono::milliseconds(below(2) * 1000), {}}});
        break;
      case 7:
        s.held.push_back({task_id{id}, waiting_reason::no_capable_worker});
        break;
      case 8:
        s.unrun.push_back({task_id{id}, task_state::cancelled, "cancelled", {}});
        break;
      case 9:
        s.task_priorities.push_back({task_id{id}, {}, static_cast<std::uint8_t>(below(100))});
        break;
      case 10:
        s.job_priorities.push_back({job_id{j}, static_cast<std::uint8_t>(below(100))});
        break;
      case 11:
        s.singles.push_back({kind::redrive_task, id, 0, {}});
        break;
      case 12:
        s.singles.push_back({kind::redrive_step, id, 0, {}});
        break;
      case 13:
        s.singles.push_back({kind::change_task, id, 0, R"({"run_at_us": 7, "payload": 1})"});
        break;
      case 14:
        s.singles.push_back({kind::cancel_job_tasks, j, 0, "its job was cancelled"});
        break;
      case 15:
        s.start = true;
        s.singles.push_back({kind::set_job_status, j, 0, below(2) == 0 ? "paused" : "running"});
        break;
      case 16:
        s.singles.push_back({kind::reopen_job, j, 0, {}});
        s.singles.push_back({kind::close_job, j, 0, {}});
        break;
      case 17:
        s.end = job_end{below(2) == 0 ? std::optional(job_state::failed) : std::nullopt, {}, {}};
        break;
      case 18:
        round_trip();  // a batch whose answer is lost would end the recorder
        lose_connection();
        reconnect();
        break;
      default:
        elapse(std::chrono::seconds(below(8)));
    }
    // A row that its state does not allow to move is refused by the table's guard: nothing of it then.
    if (s.rows() > 0) {
      write(std::move(s));
      if (below(3) == 0)
        begin_ask(actor, get_task{task_id{id}});  // reads overtake and are overtaken
      until([&] { return answers.size() >= tickets; });
    }
    for (int i = 0; i < 4; ++i) {
      const auto which = i == 0 ? id : tasks[below(tasks.size())];
      const auto found = task(which);
      ASSERT_EQ(found ? told(found->info) : "none", task_row(which))
          << "task " << which << ", step " << step << ", from memory " << found->from_memory;
    }
    const auto found = job(j);
    ASSERT_EQ(found ? told(found->info) : "none", job_row(j)) << "job " << j << ", step " << step;
  }
  EXPECT_GT(shown("tasks", "hits"), 100);
  EXPECT_GT(shown("tasks", "written"), 20);
  EXPECT_GT(shown("tasks", "size"), 0);
  EXPECT_GT(shown("jobs", "written"), 10);
}

}  // namespace
}  // namespace cascade
