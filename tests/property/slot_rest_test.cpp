#include "triggers/slot_rest.hpp"

#include <gmock/gmock.h>

#include <random>

#include "tests/support/seed.hpp"

namespace cascade {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

slot_rest::group_name of_job(int id) { return {"q", {{slot_kind::job, {}, std::to_string(id)}}}; }
cold_key numbered(std::int64_t id, std::int64_t job) { return {task_id{id}, job_id{job}, 0}; }

struct slot_rests : testing::Test {
  slot_rest rest;
  std::uint64_t ticket = 0;
  using ids = std::vector<std::int64_t>;

  void push(int job, std::int64_t id, int priority = 50) {
    rest.push(of_job(job), 0, static_cast<std::uint8_t>(priority), numbered(id, job));
  }
  ids begin(int job, std::size_t count) {
    ids out;
    for (const cold_key& k : rest.begin_fetch(of_job(job), count, ticket + 1,
                                              [](const auto&, auto, auto) { return true; }))
      out.push_back(k.id.value);
    if (!out.empty()) ++ticket;
    return out;
  }
  ids end(int job, std::size_t here = 1'000) {
    ids out;
    rest.end_fetch(of_job(job), ticket, [&](const cold_key& k, std::uint8_t) {
      if (out.size() == here) return ready_line::fetched::later;
      out.push_back(k.id.value);
      return ready_line::fetched::here;
    });
    return out;
  }
};

TEST_F(slot_rests, the_urgent_go_first_then_who_came_first) {
  push(1, 1);
  push(1, 2, 90);
  push(1, 3, 90);
  push(1, 4, 10);
  EXPECT_EQ(rest.top(of_job(1)), 90);
  EXPECT_THAT(begin(1, 10), ElementsAre(2, 3));
  EXPECT_THAT(begin(1, 10), IsEmpty()) << "one fetch at a time";
  EXPECT_THAT(end(1), ElementsAre(2, 3));
  EXPECT_THAT(begin(1, 10), ElementsAre(1));
  EXPECT_EQ(rest.size(), 2u);
}

TEST_F(slot_rests, what_comes_later_waits_where_it_was) {
  for (int id = 1; id <= 4; ++id) push(1, id);
  EXPECT_THAT(begin(1, 3), ElementsAre(1, 2, 3));
  EXPECT_THAT(end(1, 1), ElementsAre(1));
  EXPECT_THAT(begin(1, 10), ElementsAre(2, 3, 4));
  rest.abandon_fetches();
  EXPECT_THAT(end(1), IsEmpty()) << "nobody waits for that answer";
  EXPECT_THAT(begin(1, 10), ElementsAre(2, 3, 4));
}

TEST_F(slot_rests, an_answer_is_for_the_fetch_that_asked) {
  push(1, 1);
  begin(1, 1);
  const auto first = ticket;
  rest.remove({task_id{1}, {}});
  push(1, 2);
  begin(1, 1);
  int filled = 0;
  rest.end_fetch(of_job(1), first, [&](const auto&, auto) {
    ++filled;
    return ready_line::fetched::gone;
  });
  EXPECT_EQ(filled, 0);
  EXPECT_THAT(end(1), ElementsAre(2));
}

TEST_F(slot_rests, what_is_refused_leaves_and_a_call_ends_all_the_same) {
  for (int id = 1; id <= 100; ++id) push(1, id);
  rest.take_changed();
  const auto none =
      rest.begin_fetch(of_job(1), 2, 1, [](const auto&, auto, auto) { return false; });
  EXPECT_THAT(none, IsEmpty());
  EXPECT_EQ(rest.size(), 100u - 2 * slot_rest::looks_max);
  EXPECT_THAT(rest.take_changed(), ElementsAre(of_job(1)));
}

// Against a list in order.
TEST_F(slot_rests, behaves_as_a_list_for_each_group) {
  std::mt19937_64 random(test_seed());
  struct waiting {
    std::int64_t id;
    int job;
    int priority;
  };
  std::vector<waiting> model;  // those with an equal priority in order
  std::map<int, ids> fetching;
  std::map<int, std::uint64_t> tickets;
  std::int64_t last = 0;
  const auto first_of = [&](int job) {
    ids out;
    int top = -1;
    for (const waiting& w : model)
      if (w.job == job) top = std::max(top, w.priority);
    for (const waiting& w : model)
      if (w.job == job && w.priority == top) out.push_back(w.id);
    return out;
  };
  const auto forget = [&](std::int64_t id) {
    std::erase_if(model, [id](const waiting& w) { return w.id == id; });
    for (auto& [job, some] : fetching) std::erase(some, id);
  };
  for (int step = 0; step < 5'000; ++step) {
    const int job = 1 + static_cast<int>(random() % 3);
    switch (random() % 6) {
      case 0:
      case 1:
        for (auto n = random() % 4; n > 0; --n) {
          model.push_back({++last, job, static_cast<int>(random() % 3) * 40});
          push(job, last, model.back().priority);
        }
        break;
      case 2: {
        if (!fetching[job].empty()) break;
        auto expected = first_of(job);
        expected.resize(std::min<std::size_t>(expected.size(), 1 + random() % 3));
        ASSERT_EQ(begin(job, std::max<std::size_t>(expected.size(), 1)), expected);
        fetching[job] = expected;
        tickets[job] = ticket;
        break;
      }
      case 3: {
        if (fetching[job].empty()) break;
        ticket = tickets[job];
        const auto here = end(job, random() % 4);
        ticket = 1'000'000 + static_cast<std::uint64_t>(step);
        ids expected = std::exchange(fetching[job], {});
        expected.resize(here.size());
        ASSERT_EQ(here, expected);
        for (const auto id : here) forget(id);
        break;
      }
      case 4: {
        if (random() % 8 == 0) {
          const auto n = rest.remove({{}, job_id{job}});
          ASSERT_EQ(n, std::erase_if(model, [job](const waiting& w) { return w.job == job; }));
          fetching[job].clear();
        } else if (!model.empty()) {
          const auto id = model[random() % model.size()].id;
          ASSERT_EQ(rest.remove({task_id{id}, {}}), 1u);
          forget(id);
        }
        break;
      }
      default: {
        if (model.empty()) break;
        const waiting w = model[random() % model.size()];
        const auto to = static_cast<std::uint8_t>(random() % 3 * 40);
        const bool whole = random() % 4 == 0;
        rest.reprioritize(whole ? priority_changes({}, {{job_id{w.job}, to}})
                                : priority_changes({{task_id{w.id}, job_id{w.job}, to}}, {}));
        // What is on its way has been taken out of its line: it goes behind nothing but those there.
        std::vector<waiting> moved;
        const auto moves = [&](const waiting& x) {
          return (whole ? x.job == w.job : x.id == w.id) && x.priority != to;
        };
        for (const bool on_its_way : {true, false})
          for (const int from : {80, 40, 0})
            for (const waiting& x : model)
              if (moves(x) && x.priority == from &&
                  on_its_way == (std::ranges::find(fetching[x.job], x.id) != fetching[x.job].end()))
                moved.push_back(x);
        std::erase_if(model, moves);
        for (waiting& x : moved) {
          std::erase(fetching[x.job], x.id);
          x.priority = to;
          model.push_back(x);
        }
      }
    }
    ASSERT_EQ(rest.size(), model.size());
    for (const waiting& w : model) {
      const auto found = rest.find(task_id{w.id});
      ASSERT_TRUE(found);
      ASSERT_EQ(found->name, of_job(w.job));
      ASSERT_EQ(found->priority, w.priority);
    }
  }
  EXPECT_EQ(rest.size("q"), model.size());
}

}  // namespace
}  // namespace cascade
