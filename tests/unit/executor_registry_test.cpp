#include <gtest/gtest.h>

#include <stdexcept>

#include "executors/registry.hpp"

namespace cascade {
namespace {

outcome nothing(const task_run&) { return outcome::success(); }

TEST(executor_registry, finds_what_was_added) {
  handler_registry handlers;
  handlers.add("resize", nothing);
  handlers.add("count", nothing, run_on::worker);
  handlers.add_async("fetch", [](const task_run&, completion done) { done(outcome::success()); });
  command_spec ls;
  ls.argv = {"ls"};
  handlers.add_command("list", ls);
  EXPECT_EQ(handlers.names(), (std::vector<std::string>{"count", "fetch", "list", "resize"}));
  EXPECT_EQ(handlers.find("resize")->kind, handler_kind::thread);
  EXPECT_EQ(handlers.find("count")->kind, handler_kind::worker);
  EXPECT_EQ(handlers.find("fetch")->kind, handler_kind::async);
  EXPECT_EQ(handlers.find("list")->kind, handler_kind::command);
  EXPECT_EQ(handlers.find("list")->command.argv[0], "ls");
  EXPECT_TRUE(handlers.contains("list"));
  EXPECT_FALSE(handlers.contains("List"));
  EXPECT_EQ(handlers.find("nobody"), nullptr);
}

TEST(executor_registry, refuses_bad_names) {
  handler_registry handlers;
  for (const std::string& name :
       {std::string(), std::string(201, 'x'), std::string("a\nb"), std::string("a\0b", 3),
        std::string("\xff"), std::string("\x7f"), std::string("command")})
    EXPECT_THROW(handlers.add(name, nothing), std::invalid_argument) << name;
  EXPECT_NO_THROW(handlers.add(std::string(200, 'x'), nothing));
  EXPECT_NO_THROW(handlers.add("größe", nothing));
  EXPECT_EQ(handlers.names().size(), 2u);
}

TEST(executor_registry, refuses_a_name_twice_in_any_kind) {
  handler_registry handlers;
  handlers.add("a", nothing);
  EXPECT_THROW(handlers.add("a", nothing, run_on::worker), std::invalid_argument);
  EXPECT_THROW(handlers.add_async("a", [](const task_run&, completion) {}), std::invalid_argument);
}

TEST(executor_registry, refuses_empty_functions_and_bad_commands) {
  handler_registry handlers;
  EXPECT_THROW(handlers.add("a", nullptr), std::invalid_argument);
  EXPECT_THROW(handlers.add_async("a", nullptr), std::invalid_argument);
  EXPECT_THROW(handlers.add_command("a", command_spec{}), std::invalid_argument);
  EXPECT_TRUE(handlers.names().empty());
}

TEST(executor_registry, is_closed_after_freeze) {
  handler_registry handlers;
  handlers.freeze();
  EXPECT_THROW(handlers.add("a", nothing), std::logic_error);
}

}  // namespace
}  // namespace cascade
