#include "actors/body_store.hpp"

#include <cstring>

#include "state/assert.hpp"

namespace cascade {
namespace {

constexpr std::size_t overhead = 32;  // of an allocation and its slot

// Most bodies have none of these.
constexpr std::array rare{&task_body::handler,        &task_body::queue,   &task_body::step,
                          &task_body::retry,          &task_body::command, &task_body::rate_key,
                          &task_body::concurrency_key};
enum flag : std::uint16_t { has_item = 1u << rare.size(), has_timeout = has_item << 1 };
static_assert(has_timeout <= 0xffff, "the flags are two bytes");

void put_number(std::string& out, std::uint64_t n) {
  for (; n >= 128; n >>= 7) out += static_cast<char>(n | 128);
  out += static_cast<char>(n);
}

std::uint64_t take_number(const char*& at) {
  std::uint64_t n = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(*at++);
    n |= static_cast<std::uint64_t>(byte & 127) << shift;
    if (byte < 128) return n;
  }
}

void put_text(std::string& out, const std::string& text) {
  put_number(out, text.size());
  out += text;
}

std::string take_text(const char*& at) {
  const auto size = static_cast<std::size_t>(take_number(at));
  std::string out(at, size);
  at += size;
  return out;
}

}  // namespace

std::uint32_t body_store::put(const task_body& body) {
  std::string packed(2, '\0');
  std::uint16_t flags = 0;
  put_number(packed, static_cast<std::uint32_t>(body.attempts_max));
  put_text(packed, body.payload);
  for (std::size_t i = 0; i < rare.size(); ++i) {
    if ((body.*rare[i]).empty()) continue;
    flags = static_cast<std::uint16_t>(flags | 1u << i);
    put_text(packed, body.*rare[i]);
  }
  if (body.item >= 0) {
    flags = static_cast<std::uint16_t>(flags | has_item);
    put_number(packed, static_cast<std::uint32_t>(body.item));
  }
  if (body.timeout_ms != 0) {
    flags = static_cast<std::uint16_t>(flags | has_timeout);
    put_number(packed, static_cast<std::uint64_t>(body.timeout_ms));
  }
  std::memcpy(packed.data(), &flags, sizeof flags);

  auto kept = std::make_unique_for_overwrite<char[]>(packed.size());
  std::memcpy(kept.get(), packed.data(), packed.size());
  bytes_ += packed.size() + overhead;
  if (free_.empty()) {
    slots_.push_back(std::move(kept));
    return static_cast<std::uint32_t>(slots_.size() - 1);
  }
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  slots_[slot] = std::move(kept);
  return slot;
}

task_body body_store::take(std::uint32_t slot) {
  CASCADE_ASSERT(slot != 0 && slot < slots_.size() && slots_[slot]);
  const auto packed = std::exchange(slots_[slot], nullptr);
  const char* at = packed.get();
  std::uint16_t flags = 0;
  std::memcpy(&flags, at, sizeof flags);
  at += sizeof flags;
  task_body out;
  out.attempts_max = static_cast<int>(take_number(at));
  out.payload = take_text(at);
  for (std::size_t i = 0; i < rare.size(); ++i)
    if ((flags & 1u << i) != 0) out.*rare[i] = take_text(at);
  if ((flags & has_item) != 0) out.item = static_cast<int>(take_number(at));
  if ((flags & has_timeout) != 0) out.timeout_ms = static_cast<std::int64_t>(take_number(at));
  bytes_ -= static_cast<std::size_t>(at - packed.get()) + overhead;
  free_.push_back(slot);
  return out;
}

void body_store::release(const freed_bodies& slots) {
  for (const std::uint32_t slot : slots)
    if (slot != 0) take(slot);
}

}  // namespace cascade
