// config/settings.hpp
//
// What the service runs with, after defaults, file, environment and flags were merged and checked.
// Plain data: made by load_settings (config/load.hpp), never changed afterwards. The meaning of
// each field, its range and its default in each profile are data in config/keys.cpp, and
// docs/configuration.md is printed from there.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "state/retry_policy.hpp"

namespace cascade {

enum class profile_kind : std::uint8_t { balanced, low_latency, high_throughput };
inline constexpr std::string_view profile_names[] = {"balanced", "low_latency", "high_throughput"};

enum class log_level : std::uint8_t { trace, debug, info, warn, error, off };
inline constexpr std::string_view log_level_names[] = {"trace", "debug", "info",
                                                       "warn",  "error", "off"};

enum class log_format : std::uint8_t { text, json };
inline constexpr std::string_view log_format_names[] = {"text", "json"};

// In the order of retry_kind.
inline constexpr std::string_view retry_kind_names[] = {"exponential", "linear", "fixed"};

struct settings {
  profile_kind profile = profile_kind::balanced;
  std::filesystem::path data_dir;
  std::string database;  // conninfo; empty: an embedded Postgres in data_dir
  std::string node_name;
  std::vector<std::string> tags;
  int workers = 0;
  int handler_threads = 0;  // never 0 after loading

  struct {
    log_level level = log_level::info;
    log_format format = log_format::text;
    std::filesystem::path file;  // empty: stderr
  } log;

  struct {
    std::filesystem::path socket;
  } console;

  struct {
    std::string user;               // empty: cascaded's own user
    std::filesystem::path bin_dir;  // empty: looked for
    std::int64_t shared_buffers_bytes = 0;
  } embedded;

  struct {
    int batch_rows_max = 0;
    int batches_in_flight = 0;
    int writers = 0;
    int inbox_page_rows = 0;
    std::chrono::milliseconds inbox_poll_awake{};
    std::chrono::milliseconds inbox_poll_asleep{};
    int awake_threshold = 0;  // rows a second
    std::chrono::milliseconds running_after{};
    std::chrono::milliseconds horizon{};
    std::chrono::milliseconds ageing{};
    int ready_max = 0;
    std::int64_t body_bytes_max = 0;
    int cache_rows_max = 0;
    std::int64_t cache_bytes_max = 0;
    std::chrono::milliseconds cache_ttl{};
    std::chrono::milliseconds fold_every{};
    std::chrono::milliseconds database_deadline{};
    std::chrono::milliseconds reconnect_backoff_max{};
    std::chrono::milliseconds shutdown_within{};
  } engine;

  struct {
    std::chrono::milliseconds keep{};  // 0: for ever
    std::chrono::milliseconds every{};
  } retention;

  struct {
    std::chrono::milliseconds every{};  // 0: never
    std::int64_t slice_bytes = 0;
  } reconcile;

  struct {
    int medium_from = 0;
    int high_from = 0;
    std::chrono::milliseconds medium_quiet{};
    std::chrono::milliseconds medium_most{};
    std::chrono::milliseconds low_quiet{};
    std::chrono::milliseconds low_most{};
    std::chrono::milliseconds poll{};
  } propagation;

  struct {
    std::chrono::milliseconds timeout{};  // 0: none
    retry_policy retry;
  } tasks;

  struct {
    std::vector<std::filesystem::path> plugins;
    std::string commands_json = "{}";  // handler name -> argv array, or object with "argv" and more
  } handlers;
};

}  // namespace cascade
