// actors/body_store.hpp
//
// Bodies of ready tasks, packed: an ordinary one takes its payload and about 40 bytes, so that many
// more fit than as task_body. Numbers are base-128 varints, as in Protocol Buffers.
//
// Owner    one actor; not thread-safe.
// Slots    numbers that are used again; 0 is "not in memory" and never given out.
// Cost     put and take: one allocation, linear in the body.
// Limits   the caller's; bytes() says what is held, allocation overhead included.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "actors/rows.hpp"
#include "triggers/ready_line.hpp"

namespace cascade {

class body_store {
public:
  std::uint32_t put(const task_body& body);
  task_body take(std::uint32_t slot);  // requires a slot that holds one
  void release(const freed_bodies& slots);
  std::size_t bytes() const noexcept { return bytes_; }

private:
  std::vector<std::unique_ptr<char[]>> slots_ = std::vector<std::unique_ptr<char[]>>(1);
  std::vector<std::uint32_t> free_;
  std::size_t bytes_ = 0;
};

}  // namespace cascade
