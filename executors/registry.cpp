#include "executors/registry.hpp"

#include <algorithm>
#include <stdexcept>

#include "state/json_check.hpp"
#include "state/limits.hpp"

namespace cascade {
namespace {

std::string name_problem(std::string_view name) {
  if (name.empty()) return "the name of a handler is empty";
  if (name.size() > limits::name_bytes_max)
    return "the name of a handler has " + std::to_string(name.size()) +
           " bytes, more than the limit of " + std::to_string(limits::name_bytes_max);
  const auto shown = [&] { return " (" + storable_text(name, limits::name_bytes_max) + ")"; };
  const auto control = [](unsigned char c) { return c < 0x20 || c == 0x7F; };
  if (std::any_of(name.begin(), name.end(), control))
    return "the name of a handler has a control character";
  if (storable_text(name, name.size() * 3) != name)
    return "the name of a handler is not UTF-8" + shown();
  if (name == command_handler_name) return "the handler name " + std::string(name) + " is reserved";
  return {};
}

handler_entry entry_of(std::string_view name, handler_kind kind) {
  handler_entry entry;
  entry.name = name;
  entry.kind = kind;
  return entry;
}

}  // namespace

handler_registry::~handler_registry() = default;

void handler_registry::insert(handler_entry entry) {
  if (frozen_)
    throw std::logic_error("handler " + entry.name +
                           ": the registry is frozen, the service has started");
  if (auto problem = name_problem(entry.name); !problem.empty())
    throw std::invalid_argument(problem);
  if (contains(entry.name))
    throw std::invalid_argument("handler " + entry.name + " is registered twice");
  std::string name = entry.name;
  entries_.emplace(std::move(name), std::make_shared<const handler_entry>(std::move(entry)));
}

void handler_registry::add(std::string_view name, handler_function f, run_on where) {
  handler_entry entry =
      entry_of(name, where == run_on::worker ? handler_kind::worker : handler_kind::thread);
  if (!f) throw std::invalid_argument("handler " + entry.name + " has no function");
  entry.function = std::move(f);
  insert(std::move(entry));
}

void handler_registry::add_async(std::string_view name, async_handler_function f) {
  handler_entry entry = entry_of(name, handler_kind::async);
  if (!f) throw std::invalid_argument("handler " + entry.name + " has no function");
  entry.async = std::move(f);
  insert(std::move(entry));
}

void handler_registry::add_command(std::string_view name, command_spec spec) {
  handler_entry entry = entry_of(name, handler_kind::command);
  if (auto problem = command_problem(spec))
    throw std::invalid_argument("handler " + entry.name + ": " + *problem);
  entry.command = std::move(spec);
  insert(std::move(entry));
}

const std::shared_ptr<const handler_entry>& handler_registry::find(
    std::string_view name) const noexcept {
  static const std::shared_ptr<const handler_entry> none;
  const auto it = entries_.find(name);
  return it == entries_.end() ? none : it->second;
}

std::vector<std::string> handler_registry::names() const {
  std::vector<std::string> out;
  out.reserve(entries_.size());
  for (const auto& [name, entry] : entries_) out.push_back(name);
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace cascade
