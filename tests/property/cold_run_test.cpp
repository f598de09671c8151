#include "triggers/cold_run.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "tests/support/seed.hpp"

namespace cascade {
namespace {

constexpr auto id_max = std::numeric_limits<std::int64_t>::max();

cold_key key(std::int64_t id, std::int64_t job = 0, std::uint8_t flags = 0) {
  return {task_id{id}, job_id{job}, flags};
}

TEST(cold_run, gives_back_the_largest_ids_as_they_were) {
  cold_run run;
  const std::vector<cold_key> keys{key(id_max),           key(1, id_max), key(id_max, 1, 255),
                                   key(id_max - 1, 0, 1), key(2, id_max), key(2, id_max)};
  for (const cold_key& k : keys) run.push_back(k);
  EXPECT_EQ(run.take(100), keys);
  EXPECT_TRUE(run.empty());
  EXPECT_EQ(run.bytes(), 0u);
}

TEST(cold_run, a_million_tasks_of_one_insert_take_little_more_than_a_byte_each) {
  cold_run run;
  for (std::int64_t id = 1; id <= 1'000'000; ++id) run.push_back(key(id, 7));
  EXPECT_LT(run.bytes(), 1'300'000u);
}

TEST(cold_run, ids_that_are_far_apart_take_three_bytes) {
  cold_run run;
  for (std::int64_t id = 1; id <= 100'000; ++id) run.push_back(key(id * 7'919));
  EXPECT_LT(run.bytes(), 330'000u);
}

// Against a vector, with everything a run can do.
TEST(cold_run, behaves_as_a_list_of_keys) {
  std::mt19937_64 random(test_seed());
  const auto below = [&](std::uint64_t n) { return static_cast<std::int64_t>(random() % n); };
  cold_run run;
  std::vector<cold_key> model;
  std::int64_t last = 1'000'000;
  const auto some = [&](std::uint64_t n) {
    std::vector<cold_key> out;
    for (auto left = below(n); left > 0; --left) {
      last = below(50) == 0 ? 1 + below(id_max) : std::max<std::int64_t>(1, last + below(100) - 20);
      out.push_back(
          key(last, below(4) == 0 ? below(3) : 2, static_cast<std::uint8_t>(below(20) == 0)));
    }
    return out;
  };
  const auto made_of = [](const std::vector<cold_key>& keys) {
    cold_run r;
    for (const cold_key& k : keys) r.push_back(k);
    return r;
  };
  for (int step = 0; step < 2'000; ++step) {
    switch (below(7)) {
      case 0:
      case 1:
        for (const cold_key& k : some(1'500)) {
          run.push_back(k);
          model.push_back(k);
        }
        break;
      case 2: {
        const auto keys = some(below(4) == 0 ? 1'500 : 20);
        run.push_front(keys);
        model.insert(model.begin(), keys.begin(), keys.end());
        break;
      }
      case 3: {
        const auto keys = some(500);
        run.append(made_of(keys));
        model.insert(model.end(), keys.begin(), keys.end());
        break;
      }
      case 4: {
        const auto keys = some(500);
        run.prepend(made_of(keys));
        model.insert(model.begin(), keys.begin(), keys.end());
        break;
      }
      case 5: {
        key_match which;
        if (below(2) != 0 || model.empty())
          which.job = job_id{1 + below(2)};
        else
          which.task = model[static_cast<std::size_t>(below(model.size()))].id;
        auto gone = run.extract(which);
        std::vector<cold_key> expected;
        std::erase_if(model, [&](const cold_key& k) {
          if (!which(k.id, k.job)) return false;
          expected.push_back(k);
          return true;
        });
        ASSERT_EQ(gone.size(), expected.size());
        ASSERT_EQ(gone.take(expected.size() + 1), expected);
        break;
      }
      default: {
        const auto count =
            std::min<std::size_t>(static_cast<std::size_t>(below(2'500)), model.size());
        const std::vector<cold_key> expected(model.begin(),
                                             model.begin() + static_cast<std::ptrdiff_t>(count));
        ASSERT_EQ(run.take(count), expected);
        model.erase(model.begin(), model.begin() + static_cast<std::ptrdiff_t>(count));
      }
    }
    ASSERT_EQ(run.size(), model.size());
    if (model.empty()) continue;
    const task_id any = model[static_cast<std::size_t>(below(model.size()))].id;
    const auto first = std::ranges::find(model, any, &cold_key::id);
    const auto found = run.find(any);
    ASSERT_TRUE(found);
    ASSERT_EQ(found->first, *first);
    ASSERT_EQ(found->second, static_cast<std::size_t>(first - model.begin()));
  }
  EXPECT_FALSE(run.find(task_id{id_max}));
  ASSERT_EQ(run.take(model.size()), model);
}

}  // namespace
}  // namespace cascade
