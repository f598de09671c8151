// The plugins that tests/unit/executor_plugin_test.cpp loads: one source, several faults.
#include "executors/plugin.hpp"

#if defined(CASCADE_TEST_WRONG_ABI)

extern "C" int cascade_plugin_abi() { return cascade::plugin_abi + 1; }
extern "C" void cascade_register_handlers(cascade::handler_registry&, int) { __builtin_abort(); }

#elif defined(CASCADE_TEST_NO_SYMBOLS)

extern "C" int something_else() { return 1; }

#else

CASCADE_PLUGIN(handlers) {
  handlers.add("plugin.hello", [](const cascade::task_run& run) {
    return cascade::outcome::success("{\"hello\": " + run.payload + "}");
  });
  handlers.add(
      "plugin.inline", [](const cascade::task_run&) { return cascade::outcome::success("1"); },
      cascade::run_on::worker);
}

#endif
