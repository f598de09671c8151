// The doorbell's promise: with the fallback poll switched off, no committed row stays unseen.
// Producers, commits, bells and the owner's own steps are interleaved at random; the world behaves
// as Postgres does: a transaction's locks are released after its rows are visible, and its NOTIFY
// is delivered after its commit.
#include "triggers/doorbell.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <vector>

#include "tests/support/seed.hpp"

namespace cascade {
namespace {

struct world {
  std::mt19937_64 random;
  bool skip_last_read = false;  // the protection removed
  doorbell door;
  // What the database knows.
  int committed = 0, shared_locks = 0, bells_on_the_way = 0;
  bool exclusive = false;
  // What the owner knows and does.
  int seen = 0;
  std::optional<doorbell::action> under_way;
  int snapshot = 0;  // rows visible to the read under way, once its snapshot is taken
  bool snapshot_taken = false;

  struct transaction {
    int step = 0;  // 0: about to insert, 1: inserted, 2: visible, 3: locks released
    bool shared = false, bell = false;
  };
  std::vector<transaction> open;

  explicit world(std::uint64_t seed)
      : random(seed), door([] {
          doorbell_settings s;
          s.awake_bells = 3;
          s.idle_reads = 2;
          return s;
        }()) {}

  bool chance(int one_in) { return random() % static_cast<unsigned>(one_in) == 0; }

  void producer_step(std::size_t i) {
    transaction& t = open[i];
    switch (t.step++) {
      case 0:  // the trigger: try the shared lock
        t.shared = !exclusive;
        if (t.shared)
          ++shared_locks;
        else
          t.bell = true;
        return;
      case 1:
        ++committed;
        return;
      case 2:
        if (t.shared) --shared_locks;
        if (t.bell) ++bells_on_the_way;
        open.erase(open.begin() + static_cast<std::ptrdiff_t>(i));
        return;
    }
  }

  void owner_step() {
    if (!under_way) {
      const auto a = door.next();
      if (a == doorbell::action::none) return;
      under_way = a;
      snapshot_taken = false;
      return;
    }
    switch (*under_way) {
      case doorbell::action::read: {
        if (!snapshot_taken) {
          snapshot = door.state() == doorbell::mode::last_read && skip_last_read ? seen : committed;
          snapshot_taken = true;
          return;
        }
        const int rows = snapshot - seen;
        seen = snapshot;
        under_way.reset();
        door.on_read(static_cast<std::size_t>(rows), false);
        return;
      }
      case doorbell::action::lock: {
        const bool got = shared_locks == 0;
        if (got) exclusive = true;
        under_way.reset();
        door.on_locked(got);
        return;
      }
      case doorbell::action::unlock:
        exclusive = false;
        under_way.reset();
        door.on_unlocked();
        return;
      case doorbell::action::none:
        return;
    }
  }

  void step() {
    const auto pick = random() % 10;
    if (pick < 2 && open.size() < 5)
      open.push_back({});
    else if (pick < 6 && !open.empty())
      producer_step(random() % open.size());
    else if (pick == 6 && bells_on_the_way > 0)
      --bells_on_the_way, door.on_bell(std::chrono::microseconds(0));
    else if (pick == 7 && door.state() != doorbell::mode::asleep)
      door.on_timer();  // awake polls go on; the fallback is off
    else
      owner_step();
  }

  // No more inserts; everything under way ends. True when every row was seen.
  bool settle() {
    while (!open.empty()) producer_step(0);
    while (bells_on_the_way > 0) --bells_on_the_way, door.on_bell(std::chrono::microseconds(0));
    for (int i = 0; i < 10'000 && seen < committed; ++i) {
      if (door.state() != doorbell::mode::asleep) door.on_timer();
      owner_step();
    }
    return seen == committed;
  }
};

TEST(doorbell, loses_no_wake_up_in_any_interleaving) {
  const std::uint64_t base = test_seed();
  int slept = 0;
  for (std::uint64_t round = 0; round < 100'000; ++round) {
    world w(base + round);
    for (int i = 0; i < 60; ++i) {
      w.step();
      slept += w.door.state() == doorbell::mode::asleep ? 1 : 0;
    }
    ASSERT_TRUE(w.settle()) << "CASCADE_SEED=" << base + round << " seen " << w.seen << " of "
                            << w.committed;
  }
  EXPECT_GT(slept, 1'000) << "the rounds hardly ever slept: they prove little";
}

TEST(doorbell, would_lose_wake_ups_without_the_last_read) {
  const std::uint64_t base = test_seed();
  int lost = 0;
  for (std::uint64_t round = 0; lost == 0 && round < 2'000'000; ++round) {
    world w(base + round);
    w.skip_last_read = true;
    for (int i = 0; i < 60; ++i) w.step();
    lost += w.settle() ? 0 : 1;
  }
  EXPECT_GT(lost, 0) << "CASCADE_SEED=" << base;
}

}  // namespace
}  // namespace cascade
