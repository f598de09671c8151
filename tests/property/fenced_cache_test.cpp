#include "triggers/fenced_cache.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <random>

#include "tests/support/seed.hpp"

namespace cascade {
namespace {

using namespace std::chrono_literals;
using cache = fenced_cache<int, int>;
using time_point = cache::time_point;

struct fenced_caches : testing::Test {
  cache it{{.entries_max = 3, .bytes_max = 100, .ttl = 10s}};
  time_point now{};
  std::uint64_t who = 0;

  std::uint64_t begin(int key) {
    EXPECT_EQ(it.find(key, now), nullptr);
    return it.wait(key, ++who).value_or(0);
  }
  void keep(int key, int value, std::size_t bytes = 1) {
    it.end_read(begin(key), value, bytes, 0, now);
  }
  bool knows(int key) { return it.find(key, now) != nullptr; }
  std::uint64_t gone(forgotten why) const {
    return it.counters().forgotten[static_cast<std::size_t>(why)];
  }
};

TEST_F(fenced_caches, one_read_serves_everybody_who_asks_meanwhile) {
  const auto read = begin(7);
  EXPECT_NE(read, 0u);
  EXPECT_EQ(begin(7), 0u);
  EXPECT_EQ(begin(7), 0u);
  EXPECT_NE(begin(8), 0u);
  EXPECT_EQ(it.counters().loads, 2u);
  EXPECT_THAT(it.end_read(read, 70, 1, 0, now), testing::ElementsAre(1, 2, 3));
  EXPECT_EQ(*it.find(7, now), 70);
  EXPECT_EQ(it.waiting(), 1u);
}

TEST_F(fenced_caches, a_read_during_a_change_is_not_kept_and_serves_nobody_who_comes_after_it) {
  const auto before = begin(7);
  it.write(7, 1, [](int&) {});
  const auto after = begin(7);
  EXPECT_NE(after, 0u);
  EXPECT_THAT(it.end_read(before, 70, 1, 0, now), testing::ElementsAre(1));
  EXPECT_FALSE(knows(7));
  EXPECT_EQ(it.counters().stale_prevented, 1u);
  EXPECT_THAT(it.end_read(after, 71, 1, 0, now), testing::ElementsAre(2));
  EXPECT_EQ(*it.find(7, now), 71);
}

TEST_F(fenced_caches, a_change_of_rows_that_nobody_names_fences_all_reads) {
  keep(1, 10);
  keep(2, 20);
  const auto read = begin(7);
  it.forget_if([](int v) { return v == 10; });
  it.end_read(read, 70, 1, 0, now);
  EXPECT_FALSE(knows(7));
  EXPECT_FALSE(knows(1));
  EXPECT_TRUE(knows(2));
  const auto another = begin(7);
  it.forget_all(forgotten::foreign);
  it.end_read(another, 71, 1, 0, now);
  EXPECT_EQ(it.size(), 0u);
  EXPECT_EQ(gone(forgotten::foreign), 1u);
}

TEST_F(fenced_caches, an_entry_follows_its_row_or_goes) {
  keep(7, 70);
  it.write(7, 1, [](int& v) { v = 71; });
  EXPECT_EQ(*it.find(7, now), 71);
  it.forget(7);
  EXPECT_FALSE(knows(7));
  EXPECT_EQ(gone(forgotten::written), 1u);
  it.write(8, 2, [](int&) { FAIL() << "nobody knows it"; });
}

TEST_F(fenced_caches, what_a_read_saw_is_not_done_to_it_again) {
  const auto read = begin(7);
  it.end_read(read, 70, 1, 5, now);
  for (const std::int64_t batch : {4, 5}) it.write(7, batch, [](int& v) { v = 1; });
  EXPECT_EQ(*it.find(7, now), 70);
  for (const int v : {71, 72}) it.write(7, 6, [v](int& to) { to = v; });
  EXPECT_EQ(*it.find(7, now), 72) << "a batch may change a row twice";
}

TEST_F(fenced_caches, it_holds_no_more_than_it_may_and_nothing_for_too_long) {
  for (int k = 1; k <= 3; ++k) keep(k, k);
  EXPECT_TRUE(knows(1));
  keep(4, 4);
  EXPECT_FALSE(knows(2)) << "the one used longest ago";
  EXPECT_EQ(gone(forgotten::size), 1u);
  keep(5, 5, 99);
  EXPECT_LE(it.bytes(), 100u);
  keep(6, 6, 101);
  EXPECT_EQ(it.size(), 0u) << "more than there is room for";
  keep(7, 7);
  now += 9s;
  it.write(7, 1, [](int& v) { v = 8; });
  EXPECT_TRUE(knows(7));
  now += 1s;
  EXPECT_FALSE(knows(7)) << "a write does not make it younger";
  EXPECT_EQ(gone(forgotten::ttl), 1u);
}

TEST_F(fenced_caches, while_nothing_is_kept_reads_are_shared_all_the_same) {
  it.set_keeping(false, forgotten::connection);
  const auto read = begin(7);
  EXPECT_EQ(begin(7), 0u);
  EXPECT_THAT(it.end_read(read, 70, 1, 0, now), testing::SizeIs(2));
  EXPECT_FALSE(knows(7));
  const auto early = begin(8);
  it.set_keeping(true, forgotten::connection);
  it.end_read(early, 80, 1, 0, now);
  EXPECT_FALSE(knows(8)) << "it was read before";
}

// A table that two writers change, whose rows only grow. What the first one commits is told in order
// and followed; what the other one commits is told some time, and forgotten. Reads take their time.
// Every answer lies between what had been told, or answered, when somebody asked, and the table.
TEST(fenced_cache, says_nothing_older_than_what_it_was_told_or_has_said) {
  std::mt19937_64 random(test_seed());
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  constexpr int keys = 5;
  std::uint64_t hits = 0, prevented = 0;
  for (int round = 0; round < 300; ++round) {
    cache it{{.entries_max = static_cast<std::size_t>(1 + below(keys)),
              .bytes_max = 1'000,
              .ttl = 50ms}};
    time_point now{};
    struct commit {
      int key, value;
      std::int64_t batch;
    };
    struct under_way {
      std::uint64_t number;
      int key;
      int seen = 0;  // 0: the database has not looked yet
      std::int64_t batch = 0;
    };
    std::map<int, int> table, least;  // least: what was told of a row, or answered
    for (int k = 0; k < keys; ++k) table[k] = least[k] = 1;
    std::deque<commit> untold;
    std::vector<commit> loose;
    std::vector<under_way> reads;
    std::map<std::uint64_t, std::pair<int, int>> asked;  // by whom: the key, the least at that time
    std::uint64_t who = 0;
    std::int64_t batches = 0;
    int value = 1;
    const auto tell = [&](const commit& c) { least[c.key] = std::max(least[c.key], c.value); };
    for (int step = 0; step < 400; ++step) {
      const int key = below(keys);
      switch (below(16)) {
        case 0:
        case 1:
        case 2:
        case 9:
        case 10:
          if (const int* v = it.find(key, now)) {
            ASSERT_GE(*v, least[key]) << "an old row from memory";
            ASSERT_LE(*v, table[key]);
            least[key] = *v;
          } else {
            asked[++who] = {key, least[key]};
            if (const auto number = it.wait(key, who)) reads.push_back({*number, key});
          }
          break;
        case 3:
          table[key] = ++value;
          untold.push_back({key, value, ++batches});
          break;
        case 4:
          table[key] = ++value;
          loose.push_back({key, value, 0});
          break;
        case 5:
        case 11:
          if (untold.empty()) break;
          it.write(untold.front().key, untold.front().batch,
                   [&](int& v) { v = untold.front().value; });
          tell(untold.front());
          untold.pop_front();
          break;
        case 6: {
          if (loose.empty()) break;
          const auto at = loose.begin() + below(static_cast<int>(loose.size()));
          it.forget(at->key);
          tell(*at);
          loose.erase(at);
          break;
        }
        case 7:
        case 12:
        case 13:
        case 14: {
          if (reads.empty()) break;
          if (below(2) == 0) {  // one connection: they are looked up, and answered, in their order
            const auto next = std::ranges::find(reads, 0, &under_way::seen);
            if (next == reads.end()) break;
            next->seen = table[next->key];
            next->batch = batches;
            break;
          }
          const auto at = reads.begin();
          if (at->seen == 0) break;
          for (const auto w : it.end_read(at->number, at->seen, 1, at->batch, now)) {
            ASSERT_EQ(asked.at(w).first, at->key);
            ASSERT_GE(at->seen, asked.at(w).second) << "an old row for one who knew better";
            least[at->key] = std::max(least[at->key], at->seen);
            asked.erase(w);
          }
          reads.erase(at);
          break;
        }
        default:
          now += std::chrono::milliseconds(below(10));
          if (below(40) == 0) it.set_keeping(below(4) != 0, forgotten::connection);
      }
      ASSERT_EQ(it.waiting(), asked.size());
      ASSERT_EQ(it.reading(), reads.size());
    }
    hits += it.counters().hits;
    prevented += it.counters().stale_prevented;
  }
  EXPECT_GT(hits, 3'000u);
  EXPECT_GT(prevented, 1'000u);
}

}  // namespace
}  // namespace cascade
