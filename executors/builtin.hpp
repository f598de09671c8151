// executors/builtin.hpp
//
// The handlers every service has, for tests, demos and as joints of a workflow.
//
//   noop   worker   result null
//   echo   worker   result = payload
//   sleep  async    {"ms": 10}, 0 to 24 h; result null; ends at once as cancelled when asked to
//          stop
//   fail   worker   {"times": 2}: retryable failure while attempt <= times, then {"attempt": n}
//
// Errors   a payload of another shape is `failed`.
#pragma once

#include <boost/asio/io_context.hpp>

#include "executors/registry.hpp"

namespace cascade {

// Adds them. The io_context drives sleep and outlives the registry's use.
void add_builtin_handlers(handler_registry& handlers, boost::asio::io_context& io);

}  // namespace cascade
