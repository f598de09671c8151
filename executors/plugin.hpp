// executors/plugin.hpp
//
// Handlers from shared objects. A plugin is one source file compiled with -shared -fPIC against
// these headers, with the compiler the service was built with:
//
//   #include "executors/plugin.hpp"
//   CASCADE_PLUGIN(handlers) { handlers.add("hello", [](const cascade::task_run&) { ... }); }
//
// It needs no library of ours: everything it calls is virtual or inline.
//
// Check    the object must export cascade_plugin_abi() with our number; it is asked before anything
//          else runs, except the object's own static constructors. The number changes with any
//          change to handler.hpp or registry.hpp.
// Life     stays loaded until the process ends: its code is in the registry.
// Trust    a plugin runs with all rights of the service.
#pragma once

#include <string>

#include "executors/registry.hpp"

namespace cascade {

inline constexpr int plugin_abi = 2;

// Loads `path` and lets it add its handlers. Throws std::runtime_error that names the path and says
// what is wrong; the registry may then hold some of its handlers already. Requires: path has a
// slash, the registry is not frozen.
void load_plugin(const std::string& path, handler_registry& handlers);

}  // namespace cascade

#define CASCADE_PLUGIN(registry)                                                    \
  static void cascade_plugin_body(::cascade::handler_registry&);                    \
  extern "C" __attribute__((visibility("default"))) int cascade_plugin_abi() {      \
    return ::cascade::plugin_abi;                                                   \
  }                                                                                 \
  extern "C" __attribute__((visibility("default"))) void cascade_register_handlers( \
      ::cascade::handler_registry& handlers_of_host, int) {                         \
    cascade_plugin_body(handlers_of_host);                                          \
  }                                                                                 \
  static void cascade_plugin_body(::cascade::handler_registry& registry)
