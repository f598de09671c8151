// executors/registry.hpp
//
// Names of handlers and what stands behind them. Filled before the service starts (by the user's
// own program, by plugins, from the configuration), then frozen.
//
// Thread   filled by one thread; after freeze() it never changes and is read by all threads without
//          a lock.
// Errors   an empty, too long, reserved or doubled name, a name with control characters or bad
//          UTF-8, an empty function or a bad command throw std::invalid_argument; add after freeze
//          throws std::logic_error.
// Cost     find is one hash lookup, no allocation.
// ABI      plugins call the virtual functions only, so they need no symbol of the host program.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "executors/handler.hpp"
#include "state/command_spec.hpp"

namespace cascade {

enum class handler_kind { unknown, worker, thread, async, command };

// The handler name of a step that brings its own command; see task_run::command. Nobody can
// register it.
inline constexpr std::string_view command_handler_name = "command";

struct handler_entry {
  std::string name;
  handler_kind kind = handler_kind::unknown;
  handler_function function;     // worker, thread
  async_handler_function async;  // async
  command_spec command;          // command
};

class handler_registry {
public:
  handler_registry() = default;
  handler_registry(const handler_registry&) = delete;
  handler_registry& operator=(const handler_registry&) = delete;
  virtual ~handler_registry();

  virtual void add(std::string_view name, handler_function f, run_on where = run_on::thread);
  virtual void add_async(std::string_view name, async_handler_function f);
  virtual void add_command(std::string_view name, command_spec spec);

  void freeze() noexcept { frozen_ = true; }
  bool frozen() const noexcept { return frozen_; }

  // Returns the handler, or null. Valid as long as the registry; keep the shared pointer to have it
  // longer.
  const std::shared_ptr<const handler_entry>& find(std::string_view name) const noexcept;
  bool contains(std::string_view name) const noexcept { return find(name) != nullptr; }
  std::vector<std::string> names() const;  // sorted

private:
  struct name_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view s) const noexcept {
      return std::hash<std::string_view>{}(s);
    }
  };

  void insert(handler_entry entry);

  std::unordered_map<std::string, std::shared_ptr<const handler_entry>, name_hash, std::equal_to<>>
      entries_;
  bool frozen_ = false;
};

}  // namespace cascade
