// state/limits.hpp
//
// Hard limits that no configuration lifts. Settable ones live in config/. Where Postgres enforces
// the same number, the migration says so and a db test compares the two.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace cascade::limits {

inline constexpr std::size_t payload_bytes_max = 16u << 20;  // cascade.tg_task_inserting, too
inline constexpr std::size_t result_bytes_max = 16u << 20;   // a longer result fails its attempt
inline constexpr std::size_t error_bytes_max = 64u << 10;    // longer error texts are cut
inline constexpr std::size_t progress_text_bytes_max = 200;  // longer texts of a heartbeat are cut
inline constexpr std::size_t name_bytes_max = 200;  // queues, handlers, workflows, steps, keys
inline constexpr int json_depth_max = 128;          // nesting of payloads, inputs, results
inline constexpr int priority_min = 0;
inline constexpr int priority_max = 100;
inline constexpr int priority_default = 50;
inline constexpr int attempts_max = 32'767;                    // smallint in SQL
inline constexpr std::chrono::hours snooze_max{365 * 24};      // longer wishes of handlers are cut
inline constexpr int owner_losses_max = 3;                     // then a task is quarantined
inline constexpr std::size_t steps_max = 10'000;               // steps of one workflow
inline constexpr std::size_t fan_out_max = 100'000;            // items of one for_each
inline constexpr std::size_t definition_bytes_max = 4u << 20;  // a workflow file
inline constexpr std::size_t expression_bytes_max = 8u << 10;
inline constexpr std::chrono::milliseconds database_deadline_default{30'000};

}  // namespace cascade::limits
