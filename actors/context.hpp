// actors/context.hpp
//
// What the composition root hands to the engine's actors: settings as plain numbers, the borders to
// the Asio side, and the log. Immutable once the actors run, but for the borders, which are
// thread-safe.
#pragma once

#include <spdlog/logger.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/database_port.hpp"
#include "executors/runner.hpp"
#include "state/retry_policy.hpp"
#include "triggers/doorbell.hpp"
#include "triggers/priority_plan.hpp"

namespace cascade {

struct engine_settings {
  std::string conninfo;
  std::string node_name;
  std::vector<std::string> tags;
  std::vector<std::string> handlers;  // names, for those who check definitions
  std::size_t workers = 32;
  std::size_t batch_rows_max = 1'000;
  std::size_t batches_in_flight = 2;  // of each writer
  std::size_t writers = 2;            // connections for batches
  std::size_t inbox_page_rows = 2'000;
  std::size_t ready_max = 400'000;              // ready tasks in memory; of the others the ids
  std::size_t body_bytes_max = 16u << 20;       // payloads kept with them
  std::size_t quick_max = 2'048;                // quick tasks handed out and not recorded yet
  std::chrono::milliseconds running_after{20};  // write-behind of running
  std::chrono::milliseconds fold_every{500};
  std::chrono::milliseconds database_deadline{30'000};
  std::chrono::milliseconds reconnect_backoff_max{5'000};
  std::size_t cache_rows_max = 10'000;     // tasks, and jobs, whose state is kept for those who ask
  std::size_t cache_bytes_max = 8u << 20;  // of each
  std::chrono::milliseconds cache_ttl{30'000};  // how long at most; 0: for ever
  std::chrono::milliseconds horizon{300'000};   // tasks due later are not in memory
  std::chrono::milliseconds ageing{0};          // each adds a point of priority; 0: none
  int retention_days = 0;                       // 0: what has ended is kept for ever
  std::chrono::milliseconds retention_every{3'600'000};
  std::chrono::milliseconds reconcile_every{600'000};  // 0: never
  std::int64_t reconcile_slice_bytes = 16 << 20;       // of a table, read by one statement
  std::chrono::milliseconds task_timeout{0};           // for tasks that name none; 0: none
  retry_policy retry;                                  // for tasks that name none
  doorbell_settings doorbell;
  propagation_settings propagation;
  std::uint64_t seed = 0;
};

struct engine_context {
  engine_settings settings;
  boost::asio::io_context* io = nullptr;
  std::shared_ptr<database_port> database;
  std::shared_ptr<runner> run;
  std::shared_ptr<spdlog::logger> log;
  std::function<void(bool ready, epoch_id epoch)>
      on_ready;                      // any thread: the first load is done, or work has stopped
  std::function<void()> on_standby;  // any thread: another node owns the lanes; may be empty
};
using engine_context_ptr = std::shared_ptr<const engine_context>;

}  // namespace cascade
