// Random stories against a slow model: who may start next, and how many at once.
#include "tests/support/played/scheduler_parts.hpp"
#include "tests/support/seed.hpp"

namespace cascade {
namespace {

class scheduler_model : public scheduler_test {
public:
  struct ready_task {
    int priority;
    std::string queue;
  };
  std::map<std::int64_t, ready_task> ready;  // ids rise with the time of arrival
  std::size_t out = 0;                       // slots that are taken

  // Whatever was started must have been the next one each time.
  void check_started() {
    for (const std::int64_t id : started()) {
      ASSERT_TRUE(ready.contains(id)) << id << " was cancelled, or ran before";
      const ready_task t = ready.at(id);
      for (const auto& [other, r] : ready) {
        EXPECT_LE(r.priority, t.priority) << other << " goes before " << id;
        const bool later = r.queue != t.queue || r.priority != t.priority || other >= id;
        EXPECT_TRUE(later) << other << " came before " << id;
      }
      ready.erase(id);
      ++out;
    }
    ASSERT_LE(out, slots);
    EXPECT_TRUE(ready.empty() || out == slots) << "a slot is free, and work is there";
  }
};

TEST_F(scheduler_model,
       the_next_task_is_always_the_right_one_and_slots_are_never_overdrawn_nor_lost) {
  const auto seed = test_seed();
  std::mt19937_64 random(seed);
  slots = 1 + random() % 6;
  run();
  const std::vector<std::string> queues{"a", "b", "c"};
  std::int64_t next = 0;
  for (int step = 0; step < 2'000; ++step) {
    switch (random() % 4) {
      case 0: {
        std::vector<arrival> page;
        for (auto n = random() % 5; n > 0; --n) {
          const int priority = static_cast<int>(random() % 4) * 30;
          const std::string& queue = queues[random() % queues.size()];
          page.push_back(task(++next, priority, queue));
          ready[next] = {priority, queue};
        }
        arrive(std::move(page));
        break;
      }
      case 1: {  // a task that is ready, or runs
        if (next == 0) break;
        const auto id = 1 + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(next));
        if (!ready.contains(id) && !in_pool.contains(id)) break;
        ready.erase(id);
        command("cancel_task", id);
        break;
      }
      case 2:
        if (!written.empty()) commit();
        break;
      default: {
        if (in_pool.empty()) break;
        auto at = in_pool.begin();
        std::advance(at, static_cast<long>(random() % in_pool.size()));
        --out;
        finish(at->first, random() % 2 ? outcome::success() : outcome::failure("no"));
      }
    }
    ASSERT_NO_FATAL_FAILURE(check_started()) << "step " << step;
  }
  commit_all();
  EXPECT_EQ(number("unrecorded"), 0);
}

}  // namespace
}  // namespace cascade
