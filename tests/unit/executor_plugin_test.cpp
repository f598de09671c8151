#include <stdexcept>

#include "executor_fixture.hpp"
#include "executors/plugin.hpp"

namespace cascade {
namespace {

std::string plugin_path(const std::string& name) {
  return CASCADE_BINARY_DIR "/lib/libtest_plugin_" + name + ".so";
}

std::string refusal_of(const std::string& path, handler_registry& handlers) {
  try {
    load_plugin(path, handlers);
  } catch (const std::runtime_error& e) {
    return e.what();
  }
  return "loaded";
}

class executor_plugin : public executor_fixture {};

TEST_F(executor_plugin, adds_its_handlers) {
  load_plugin(plugin_path("good"), handlers_);
  EXPECT_EQ(handlers_.names(), (std::vector<std::string>{"plugin.hello", "plugin.inline"}));
  EXPECT_THAT(run(task("plugin.hello", "7")), succeeds_with("{\"hello\": 7}"));
  EXPECT_THAT(the_runner().run_inline(task("plugin.inline")), succeeds_with("1"));
}

TEST_F(executor_plugin, is_refused_with_a_reason) {
  EXPECT_THAT(refusal_of(plugin_path("wrong_abi"), handlers_),
              testing::HasSubstr("was built for plugin ABI " + std::to_string(plugin_abi + 1)));
  EXPECT_THAT(refusal_of(plugin_path("no_symbols"), handlers_),
              testing::HasSubstr("does not export cascade_plugin_abi"));
  EXPECT_THAT(refusal_of("/no/such.so", handlers_), testing::HasSubstr("/no/such.so"));
  EXPECT_THAT(refusal_of("such.so", handlers_), testing::HasSubstr("has no slash"));
  EXPECT_TRUE(handlers_.names().empty());
}

TEST_F(executor_plugin, cannot_take_a_name_twice) {
  load_plugin(plugin_path("good"), handlers_);
  EXPECT_THAT(refusal_of(plugin_path("good"), handlers_),
              testing::HasSubstr("plugin.hello is registered twice"));
}

}  // namespace
}  // namespace cascade
