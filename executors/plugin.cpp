#include "executors/plugin.hpp"

#include <dlfcn.h>

#include <stdexcept>

#include "executors/outcome_check.hpp"

namespace cascade {
namespace {

using abi_function = int (*)();
using register_function = void (*)(handler_registry&, int);

template <class Function>
Function symbol(void* object, const char* name) {
  return reinterpret_cast<Function>(::dlsym(object, name));
}

}  // namespace

void load_plugin(const std::string& path, handler_registry& handlers) {
  const auto refuse = [&](const std::string& why) {
    throw std::runtime_error("plugin " + path + ": " + why);
  };
  // Without a slash the loader would search its own directories.
  if (path.find('/') == std::string::npos)
    refuse("the path has no slash; write ./" + path + " or an absolute path");
  void* object = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!object) {
    const char* why = ::dlerror();
    refuse(why ? why : "it cannot be loaded");
  }
  const auto abi = symbol<abi_function>(object, "cascade_plugin_abi");
  if (!abi)
    refuse("it is no plugin of ours: it does not export cascade_plugin_abi (see CASCADE_PLUGIN)");
  if (const int theirs = abi(); theirs != plugin_abi)
    refuse("it was built for plugin ABI " + std::to_string(theirs) + ", this service has " +
           std::to_string(plugin_abi) + "; rebuild it");
  const auto add = symbol<register_function>(object, "cascade_register_handlers");
  if (!add) refuse("it does not export cascade_register_handlers (see CASCADE_PLUGIN)");
  try {
    add(handlers, plugin_abi);
  } catch (...) {
    refuse(current_exception_text());
  }
}

}  // namespace cascade
