// actors/supervision_messages.hpp
//
// What supervisors, the console and everything they look after say to each other.
#pragma once

#include <caf/all.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "actors/supervisor_spec.hpp"
#include "state/errc.hpp"

namespace cascade {

enum class supervisor_errc : std::uint8_t {
  restart_intensity_exceeded = 1,  // the exit reason of a supervisor that gave up
  start_failed,                    // spawn threw or returned nothing
  ready_deadline_missed,           // child_ready did not arrive in time
  child_abandoned,                 // a killed child's handler never returned
  name_taken,                      // start_child with the name of a sibling
  child_not_found,                 //
  shutting_down,                   // the supervisor is about to end
};
std::string to_string(supervisor_errc e);

// Text of any error, for people and logs: "user_shutdown", "restart intensity exceeded",
// "unhandled_exception: ...".
std::string error_text(const caf::error& e);

// From a child to its supervisor, once, when it can serve. Must be sent by the child itself.
struct child_ready {};

// Adds a child while the supervisor runs. Answered when it is up, or with the error of its first
// start, which is then forgotten and not counted as a failure.
struct start_child {
  child_spec spec;
};
struct child_started {
  caf::actor_id id = 0;
  caf::strong_actor_ptr handle;
};

// Stops one child for good (an added one is forgotten, a child of the spec can be brought back by
// restart_child).
struct stop_child {
  std::string name;
};
struct child_stopped {
  std::string name;
};
struct restart_child {
  std::string name;
};

// Every actor of ours answers `describe` with what it is doing. It fills in state and detail; its
// supervisor adds the rest. A supervisor answers with its whole subtree, and gives each level a
// little less than `within`.
struct describe {
  caf::timespan within = std::chrono::milliseconds(500);
};
struct description {
  std::string name;
  std::string kind;  // worker, supervisor
  caf::actor_id id = 0;
  std::string state;   // one or two words
  std::string detail;  // a JSON object as text, or empty
  std::uint32_t restarts = 0;
  bool answered = true;                // false: it did not answer in time
  std::uint64_t children_omitted = 0;  // beyond the limit of one answer
  std::vector<description> children;
};

// Looks for an actor in the subtree below a supervisor. Error: child_not_found.
struct find_child {
  caf::actor_id id = 0;
  caf::timespan within = std::chrono::milliseconds(500);
};
struct child_found {
  std::string path;  // cascade/engine/scheduler
  caf::strong_actor_ptr handle;
};

struct restart_query {};
struct restart_count {
  std::string name;
  std::uint32_t restarts = 0;
};
struct restart_counters {
  std::string supervisor;
  std::uint64_t restarts_total = 0;  // over its life, forgotten children included
  std::vector<restart_count> children;
};

// Private timer of a supervisor: child 0 begins the first start.
struct supervisor_wake {
  std::uint64_t child = 0;
  std::uint64_t generation = 0;
};

// -- console --------------------------------------------------------------------------------------

// From the socket to the console actor, and from the console to a provider (jobs, queues, inbox).
struct console_query {
  std::string command;
  std::string argument;
};
struct console_answer {
  std::string text;  // for people, without colour
  std::string json;  // the same as JSON text
};

// One request line; the answer goes back to the server that numbered the request.
struct console_line {
  std::uint64_t request = 0;
  std::string line;
};

template <class I>
typename I::result_type inspect(I& f, child_ready&) {
  return f(caf::meta::type_name("cascade::child_ready"));
}
template <class I>
typename I::result_type inspect(I& f, child_started& x) {
  return f(caf::meta::type_name("cascade::child_started"), x.id, x.handle);
}
template <class I>
typename I::result_type inspect(I& f, stop_child& x) {
  return f(caf::meta::type_name("cascade::stop_child"), x.name);
}
template <class I>
typename I::result_type inspect(I& f, child_stopped& x) {
  return f(caf::meta::type_name("cascade::child_stopped"), x.name);
}
template <class I>
typename I::result_type inspect(I& f, restart_child& x) {
  return f(caf::meta::type_name("cascade::restart_child"), x.name);
}
template <class I>
typename I::result_type inspect(I& f, describe& x) {
  return f(caf::meta::type_name("cascade::describe"), x.within);
}
template <class I>
typename I::result_type inspect(I& f, description& x) {
  return f(caf::meta::type_name("cascade::description"), x.name, x.kind, x.id, x.state, x.detail,
           x.restarts, x.answered, x.children_omitted, x.children);
}
template <class I>
typename I::result_type inspect(I& f, find_child& x) {
  return f(caf::meta::type_name("cascade::find_child"), x.id, x.within);
}
template <class I>
typename I::result_type inspect(I& f, child_found& x) {
  return f(caf::meta::type_name("cascade::child_found"), x.path, x.handle);
}
template <class I>
typename I::result_type inspect(I& f, restart_query&) {
  return f(caf::meta::type_name("cascade::restart_query"));
}
template <class I>
typename I::result_type inspect(I& f, restart_count& x) {
  return f(caf::meta::type_name("cascade::restart_count"), x.name, x.restarts);
}
template <class I>
typename I::result_type inspect(I& f, restart_counters& x) {
  return f(caf::meta::type_name("cascade::restart_counters"), x.supervisor, x.restarts_total,
           x.children);
}
template <class I>
typename I::result_type inspect(I& f, supervisor_wake& x) {
  return f(caf::meta::type_name("cascade::supervisor_wake"), x.child, x.generation);
}
template <class I>
typename I::result_type inspect(I& f, console_query& x) {
  return f(caf::meta::type_name("cascade::console_query"), x.command, x.argument);
}
template <class I>
typename I::result_type inspect(I& f, console_answer& x) {
  return f(caf::meta::type_name("cascade::console_answer"), x.text, x.json);
}
template <class I>
typename I::result_type inspect(I& f, console_line& x) {
  return f(caf::meta::type_name("cascade::console_line"), x.request, x.line);
}

}  // namespace cascade
