// tests/support/doorbell_world.hpp
//
// Producers, their commits, the bells, and an owner made of triggers/doorbell and the engine's own
// statements, on a real Postgres, driven step by step by one thread on a random schedule. The
// fallback poll is off: no timer fires while the owner sleeps.
//
// Pauses   statements and answers stay under way while others take their steps. One transaction in
//          three is also stopped inside the server, at a gate: before the trigger's try-lock, after
//          it, or in its commit; it tells with a notice that it is there.
// Seed     repeats the schedule, but not the server's own timing.
#pragma once

#include <array>
#include <deque>
#include <optional>
#include <random>

#include "pg/listener.hpp"
#include "tests/support/inbox_reader.hpp"
#include "tests/support/postgres.hpp"
#include "triggers/doorbell.hpp"

namespace cascade::test {

class doorbell_world {
public:
  struct counts {
    std::uint64_t rows = 0, bells = 0, sleeps = 0, wakes = 0, refused = 0, lost = 0, gates = 0;
  } count;

  // Broken: the owner sleeps without the last read.
  doorbell_world(std::uint64_t seed, bool broken);
  ~doorbell_world();

  // Some steps, then the producers end what they began and the owner does what it must. Counts a
  // loss when it then sleeps over a committed row.
  void round();
  bool exact() const;  // nothing seen that was not committed, nothing seen twice

private:
  static constexpr std::size_t producers = 5;

  struct producer {
    std::shared_ptr<pg::session> session;
    bool in_flight = false, open = false;       // a statement; a transaction
    bool gate_locked = false, at_gate = false;  // by the test; a notice came
    std::vector<std::int64_t> tasks, jobs;      // of the open transaction
    std::size_t kept_tasks = 0, kept_jobs = 0;  // before the savepoint
    bool savepoint = false;
    int ready = 0;
  };

  test_database database_;
  pg::connection control_ = database_.connect();
  std::mt19937_64 random_;
  bool broken_;
  unsigned reluctance_ = 1;  // of producers to begin: rounds are busy or quiet
  boost::asio::io_context io_;
  std::array<producer, producers> producers_;
  std::shared_ptr<pg::session> session_;
  std::shared_ptr<pg::listener> listener_;
  std::optional<inbox_reader> inbox_;
  doorbell door_;
  bool blocked_ = false;
  bool under_way_ = false;        // the owner's action
  std::function<void()> answer_;  // it has come, and is not delivered yet
  std::size_t bells_ = 0;         // notifications that have come, and are not delivered yet
  std::uint64_t barrier_ = 0, barrier_seen_ = 0;
  // By id: 1 committed, 2 seen.
  std::vector<std::uint8_t> tasks_, jobs_;
  std::int64_t unseen_ = 0, seen_ = 0, committed_ = 0;
  bool twice_ = false;

  bool one_in(unsigned n) { return random_() % n == 0; }
  static pg::deadline soon() { return pg::deadline::in(std::chrono::seconds{60}); }
  template <class P>
  void until(P reached) {
    const auto net = soon();
    while (!reached()) {
      if (net.passed()) throw std::runtime_error("an answer did not come");
      io_.restart();
      io_.run_one_for(net.left());
    }
  }
  void make_gates();
  void open_sessions();

  void step();
  void producer_step(std::size_t i, bool finish);
  void begin(std::size_t i);
  void insert(std::size_t i, std::vector<pg::statement> batch, bool alone);
  void end(std::size_t i, bool keep);
  void go_on(std::size_t i);  // an answer, or the gate
  void open_gate(std::size_t i);
  void submit(std::size_t i, std::vector<pg::statement> batch,
              std::function<void(const std::vector<pg::rows>&)> then);
  void committed(producer& p);

  bool owner_step();
  void deliver();
  void move_locks(bool lock);
  void finish(std::size_t i);
  bool settle();
  void mark(std::vector<std::uint8_t>& of, std::int64_t id, std::uint8_t bit);
};

}  // namespace cascade::test
