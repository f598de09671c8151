// actors/supervisor_state.hpp
//
// The inside of a supervisor: its table of children and the steps that move it towards what is
// wanted. Private to actors/supervisor*.cpp.
//
// Each child is in one phase; two sets say what is wanted: `stops_` (a group stop, last child
// first) and `starts_` (to be started, first child first). Every event ends in step(), which does
// the next thing that is allowed: stops come before starts, and a start waits for the siblings
// before it (gate()).
#pragma once

#include <map>
#include <set>
#include <unordered_map>

#include "actors/supervisor.hpp"
#include "actors/supervisor_policy.hpp"

namespace cascade {

using supervisor_impl = supervisor_actor::extend<caf::reacts_to<supervisor_wake>>;

struct supervisor_state;
using supervisor_self = supervisor_impl::stateful_pointer<supervisor_state>;

enum class child_phase : std::uint8_t { down, waiting, starting, running, stopping, killing };

struct supervised_child {
  std::uint64_t order = 0;  // start order; 0 is nobody
  child_spec spec;
  bool added = false;  // by start_child
  child_phase phase = child_phase::down;
  caf::strong_actor_ptr actor;
  std::uint64_t generation = 0;  // of the timer that counts now
  bool was_up = false;           // in the life of this supervisor
  bool held = false;             // not to be started again
  bool start_missed = false;     // being killed because child_ready did not come
  unsigned starts = 0;
  unsigned failures_in_row = 0;
  supervision_time up_since{};
  caf::error last_error;
  caf::typed_response_promise<child_started> on_start;
  std::vector<caf::typed_response_promise<child_stopped>> on_stop;

  [[nodiscard]] bool alive() const noexcept { return actor != nullptr; }
  [[nodiscard]] unsigned restarts() const noexcept { return starts > 1 ? starts - 1 : 0; }
};

struct supervisor_state {
  static inline const char* name = "cascade.supervisor";

  ~supervisor_state();  // whoever is still alive is killed

  void begin(supervisor_self self, supervisor_spec spec, supervisor_options options);

  // Messages.
  void wake(const supervisor_wake& m);
  void ready(const caf::strong_actor_ptr& sender);
  void down(const caf::actor_addr& source, const caf::error& reason);
  void end(caf::error reason);  // begins the orderly stop
  caf::result<child_started> start(const start_child& m);
  caf::result<child_started> restart(const restart_child& m);
  caf::result<child_stopped> stop(const stop_child& m);
  caf::result<description> describe_tree(const describe& m);
  caf::result<child_found> find(const find_child& m);
  [[nodiscard]] restart_counters counters() const;

private:
  using child = supervised_child;

  // Steps.
  void step();
  bool advance();
  void stop_next();
  bool start_next();
  [[nodiscard]] bool gates(const child& c) const;
  void launch(child& c);
  void up(child& c);
  void ended(child& c, const caf::error& reason);
  void failed(child& c, const caf::error& reason);
  void plan_restart(child& c, caf::timespan delay);
  void stop_one(child& c);
  void kill_one(child& c);
  void forget(child& c);
  void announce_when_up();

  // Helpers.
  child& add(child_spec spec, bool added);
  child* by_name(const std::string& name);
  child* by_actor(caf::actor_id id);
  void arm(child& c, caf::timespan delay);
  void disarm(child& c) { ++c.generation; }
  void refuse_start(child& c, const caf::error& why);
  void answer_stops(child& c);
  void emit(supervision_step what, const child* c, const caf::error& reason,
            caf::timespan delay = {}) const;
  [[nodiscard]] description describe_child(const child& c) const;
  [[nodiscard]] description describe_self() const;

  supervisor_self self_ = nullptr;
  supervisor_spec spec_;  // its children are moved into children_
  supervisor_actor parent_;
  supervision_log log_;
  restart_window window_{0, caf::timespan{0}};
  std::map<std::uint64_t, child> children_;  // by order
  std::unordered_map<caf::actor_id, std::uint64_t> orders_by_actor_;
  std::unordered_map<std::string, std::uint64_t> orders_by_name_;
  std::set<std::uint64_t> stops_;
  std::set<std::uint64_t> starts_;
  std::set<std::uint64_t>
      coming_up_;  // children of the spec that are starting: they may hold up the next ones
  std::uint64_t last_order_ = 0;
  std::uint64_t restarts_total_ = 0;
  bool announced_ = false;
  bool stepping_ = false;
  bool ending_ = false;
  bool ended_ = false;
  caf::error end_reason_;
};

}  // namespace cascade
