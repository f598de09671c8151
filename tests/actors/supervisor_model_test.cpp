// Random kills, ends, stops and restarts from a printed seed. First against a simple model that
// knows the answer; then with slow, stubborn and unready children, against what must hold in any
// case.
#include "tests/actors/supervisor_fixture.hpp"
#include "tests/support/seed.hpp"

namespace cascade {
namespace {

using enum restart_strategy;
using enum restart_policy;

struct model_child {
  restart_policy policy = permanent;
  bool alive = true;
  bool held = false;
  int starts = 1;
};

struct model {
  restart_strategy strategy;
  unsigned restarts_max;
  caf::timespan within;
  std::vector<model_child> children;
  std::vector<caf::timespan> failures;
  caf::timespan now{0};
  bool ended = false;

  void child_ends(std::size_t i, bool abnormal) {
    auto& c = children[i];
    c.alive = false;
    if (c.policy == temporary) c.held = true;
    if (c.policy == temporary || (c.policy == transient && !abnormal)) return;
    failures.push_back(now);
    const auto recent = std::ranges::count_if(failures, [&](auto t) { return now - t <= within; });
    if (recent > restarts_max) {
      for (auto& each : children) each.alive = false;
      ended = true;
      return;
    }
    for (std::size_t j = 0; j < children.size(); ++j) {
      const bool affected =
          j == i || strategy == one_for_all || (strategy == rest_for_one && j > i);
      auto& other = children[j];
      if (!affected) continue;
      if (other.policy == temporary) {
        if (other.alive) other.held = true;
        other.alive = false;
      } else if (!other.held) {
        other.alive = true;
        ++other.starts;
      }
    }
  }
};

class supervisor_model : public supervisor_test {
public:
  std::mt19937_64 random;
  std::string name(std::size_t i) { return "c" + std::to_string(i); }
  std::size_t below(std::size_t n) { return random() % n; }

  model start_random(std::size_t count) {
    model m{static_cast<restart_strategy>(below(3)),
            static_cast<unsigned>(below(5)),
            10s,
            {},
            {},
            {},
            false};
    std::vector<child_spec> specs;
    for (std::size_t i = 0; i < count; ++i) {
      const auto policy = static_cast<restart_policy>(below(3));
      m.children.push_back({policy});
      specs.push_back(child(name(i), policy));
    }
    run(m.strategy, std::move(specs), m.restarts_max, m.within);
    return m;
  }

  void random_move(model& m) {
    const auto i = below(m.children.size());
    auto& c = m.children[i];
    switch (below(5)) {
      case 0:
        if (!c.alive) return;
        kill(name(i));
        return m.child_ends(i, true);
      case 1:
        if (!c.alive) return;
        end_child(name(i), caf::exit_reason::user_shutdown);
        return m.child_ends(i, false);
      case 2:
        EXPECT_TRUE(ask<child_stopped>(root, stop_child{name(i)}));
        c.alive = false;
        c.held = true;
        return;
      case 3:
        EXPECT_TRUE(ask<child_started>(root, restart_child{name(i)}));
        if (!c.alive) ++c.starts;
        c.alive = true;
        c.held = false;
        return;
      default:
        const auto step = std::chrono::seconds(below(12));
        elapse(step);
        m.now += step;
    }
  }

  // +x and -x of the journal, as a running count; no child may ever live twice.
  void follow(std::map<std::string, int>& alive) {
    for (const auto& line : std::exchange(journal, {})) {
      auto& lives = alive[line.substr(1)];
      lives += line[0] == '+' ? 1 : -1;
      ASSERT_GE(lives, 0);
      ASSERT_LE(lives, 1) << line;
    }
  }
};

TEST_F(supervisor_model, agrees_with_the_model_after_every_move) {
  random.seed(test_seed());
  for (int round = 0; round < 60; ++round) {
    starts.clear();
    auto m = start_random(1 + below(5));
    std::map<std::string, int> alive;
    for (int i = 0; i < 60 && !m.ended; ++i) {
      random_move(m);
      follow(alive);
      for (std::size_t j = 0; j < m.children.size(); ++j) {
        ASSERT_EQ(alive[name(j)], m.children[j].alive)
            << "round " << round << " move " << i << " child " << j;
        ASSERT_EQ(starts[name(j)], m.children[j].starts)
            << "round " << round << " move " << i << " child " << j;
      }
      ASSERT_EQ(gone(root), m.ended) << "round " << round << " move " << i;
    }
    end_root();
    follow(alive);
    for (const auto& [who, lives] : alive) ASSERT_EQ(lives, 0) << who;
  }
}

TEST_F(supervisor_model, recovers_and_stops_whatever_its_children_do) {
  random.seed(test_seed());
  for (int round = 0; round < 60; ++round) {
    std::vector<child_spec> specs;
    const auto count = 1 + below(5);
    for (std::size_t i = 0; i < count; ++i) {
      auto spec = below(2) ? ready_child(name(i), 3s) : child(name(i));
      spec.shutdown_within = std::chrono::seconds(below(4));
      spec.backoff = restart_backoff{500ms, 2s, 5s};  // or a spawn that throws escalates at once
      specs.push_back(spec);
    }
    std::map<std::string, int> alive;
    run(static_cast<restart_strategy>(below(3)), specs, 1000, 10s);
    for (int i = 0; i < 60; ++i) {
      auto& script = scripts[name(below(count))];
      script = {below(4) == 0, below(3) != 0, true, std::chrono::seconds(below(3)), below(4) != 0};
      if (below(2)) kill(name(below(count)));
      if (below(3) == 0) end_child(name(below(count)), caf::exit_reason::unreachable);
      elapse(std::chrono::milliseconds(below(3000)));
      ASSERT_NO_FATAL_FAILURE(follow(alive));
    }
    scripts.clear();
    for (int i = 0; i < 200; ++i) elapse(1s);
    ASSERT_NO_FATAL_FAILURE(follow(alive));
    ASSERT_FALSE(gone(root));
    for (std::size_t i = 0; i < count; ++i)
      ASSERT_EQ(alive[name(i)], 1) << "round " << round << " child " << i;
    end_root();
    ASSERT_NO_FATAL_FAILURE(follow(alive));
    for (const auto& [who, lives] : alive) ASSERT_EQ(lives, 0) << who;
  }
}

}  // namespace
}  // namespace cascade
