// tests/actors/supervisor_fixture.hpp
//
// A supervisor with scripted children, and a journal of what happened to them, in order.
#pragma once

#include <gmock/gmock.h>

#include <map>

#include "actors/supervisor.hpp"
#include "tests/support/played/actor_test.hpp"

namespace cascade {

using namespace std::chrono_literals;

// How a scripted child behaves. Shared with the test on purpose: everything runs on one thread.
struct child_script {
  bool spawn_throws = false;
  bool says_ready = true;       // only asked when the spec awaits it
  bool answers = true;          // describe
  caf::timespan stop_takes{0};  // time between the exit message and its end
  bool stops = true;            // false: ignores user_shutdown, has to be killed
};

struct scripted_state {
  static inline const char* name = "cascade.scripted";
  std::vector<std::string>* journal = nullptr;
  std::string label;
  caf::typed_response_promise<description> silence;
  ~scripted_state() {
    if (journal) journal->push_back("-" + label);
  }
};

using scripted_child = describable::extend<caf::reacts_to<supervisor_wake>>;

inline scripted_child::behavior_type scripted(scripted_child::stateful_pointer<scripted_state> self,
                                              std::string label, child_script script,
                                              std::vector<std::string>* journal,
                                              supervisor_actor boss) {
  self->state.journal = journal;
  self->state.label = label;
  journal->push_back("+" + label);
  if (boss && script.says_ready) self->send(boss, child_ready{});
  self->set_exit_handler([self, script](caf::exit_msg& m) {
    if (!script.stops) return;
    if (script.stop_takes.count() == 0) return self->quit(std::move(m.reason));
    self->delayed_send(self, script.stop_takes, supervisor_wake{});
  });
  return {
      [self, script](const describe&) -> caf::result<description> {
        if (script.answers) return description{{}, {}, 0, "idle", R"({"n":1})", 0, true, 0, {}};
        self->state.silence = self->make_response_promise<description>();
        return self->state.silence;
      },
      [self](const supervisor_wake&) { self->quit(caf::exit_reason::user_shutdown); },
  };
}

class supervisor_test : public actor_test {
public:
  std::vector<std::string> journal;  // +a started, -a ended
  std::vector<supervision_event> events;
  std::map<std::string, child_script> scripts;
  std::map<std::string, caf::strong_actor_ptr> actors;  // the latest of each name
  std::map<std::string, int> starts;
  supervisor_actor root;

  ~supervisor_test() override {
    scripts.clear();
    actors.clear();
    if (root) end_root();
  }

  child_spec child(std::string name, restart_policy restart = restart_policy::permanent) {
    child_spec spec;
    spec.name = name;
    spec.restart = restart;
    spec.spawn = [this, name](const supervisor_context& context) -> caf::strong_actor_ptr {
      const auto& script = scripts[name];
      ++starts[name];
      if (script.spawn_throws) throw std::runtime_error("no luck");
      auto handle =
          context.system.spawn(scripted, name, script, &journal,
                               awaits.contains(name) ? context.supervisor : supervisor_actor{});
      return actors[name] = caf::actor_cast<caf::strong_actor_ptr>(handle);
    };
    return spec;
  }

  child_spec ready_child(std::string name, caf::timespan within = 10s) {
    awaits.insert(name);
    auto spec = child(std::move(name));
    spec.awaits_ready = true;
    spec.ready_within = within;
    return spec;
  }

  supervision_log logger() {
    return [this](const supervision_event& e) { events.push_back(e); };
  }

  void run(supervisor_spec spec) {
    root = spawn_supervisor(sys, std::move(spec), {logger(), {}});
    settle();
  }

  void run(restart_strategy strategy, std::vector<child_spec> children, unsigned restarts_max = 3,
           caf::timespan within = 10s) {
    run(supervisor_spec{"root", strategy, restarts_max, within, std::move(children)});
  }

  void end_child(const std::string& name, caf::exit_reason reason) {
    send_exit_first(actors[name], reason);
    settle();
  }
  void kill(const std::string& name) { end_child(name, caf::exit_reason::kill); }

  void end_root() {
    send_exit_first(caf::actor_cast<caf::strong_actor_ptr>(root), caf::exit_reason::user_shutdown);
    settle();
    for (int i = 0; i < 100 && !gone(root); ++i) elapse(10s);
    EXPECT_TRUE(gone(root));
    root = nullptr;
  }

  template <class Handle>
  bool gone(const Handle& who) {
    bool down = false;
    self->monitor(who);
    settle();
    if (self->has_next_message()) self->receive([&](caf::down_msg&) { down = true; });
    if (!down) self->demonitor(caf::actor_cast<caf::actor_addr>(who));
    return down;
  }

  // What was written since the last call, joined by blanks.
  std::string story() {
    std::string out;
    for (const auto& line : std::exchange(journal, {})) out += (out.empty() ? "" : " ") + line;
    return out;
  }

  int count(supervision_step step) const {
    return static_cast<int>(
        std::ranges::count_if(events, [&](const auto& e) { return e.step == step; }));
  }

  std::string state_of(const std::string& name) {
    auto tree = ask<description>(root, describe{});
    if (!tree) return "no answer";
    for (const auto& c : tree->children)
      if (c.name == name) return c.state;
    return "absent";
  }

private:
  std::set<std::string> awaits;
};

}  // namespace cascade
