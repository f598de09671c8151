#include "triggers/cold_run.hpp"

#include <algorithm>
#include <utility>

namespace cascade {
namespace {

std::uint64_t zigzag(std::int64_t from, std::int64_t to) {
  const auto delta = static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from);
  return (delta << 1) ^ (0 - (delta >> 63));
}

std::int64_t apply(std::int64_t from, std::uint64_t zigzagged) {
  const std::uint64_t delta = (zigzagged >> 1) ^ (0 - (zigzagged & 1));
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(from) + delta);
}

void put(std::vector<std::uint8_t>& to, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) to.push_back(static_cast<std::uint8_t>(value | 0x80));
  to.push_back(static_cast<std::uint8_t>(value));
}

std::uint64_t get(const std::uint8_t*& at) {
  std::uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const std::uint8_t byte = *at++;
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
}

}  // namespace

// The change bit takes the lowest place of the first byte: shifting the whole delta for it could
// lose its top bit.
void cold_run::chunk::push(const cold_key& key) {
  const std::uint64_t delta = zigzag(last.id.value, key.id.value);
  const bool changed = key.job != last.job || key.flags != last.flags;
  const bool more = delta >= 0x40;
  bytes.push_back(static_cast<std::uint8_t>((more ? 0x80 : 0) | (delta & 0x3f) << 1 | changed));
  if (more) put(bytes, delta >> 6);
  if (changed) {
    put(bytes, zigzag(last.job.value, key.job.value));
    bytes.push_back(key.flags);
  }
  if (count == 0) {
    id_min = id_max = key.id;
    job_min = job_max = key.job;
  } else {
    id_min = std::min(id_min, key.id);
    id_max = std::max(id_max, key.id);
    job_min = std::min(job_min, key.job);
    job_max = std::max(job_max, key.job);
  }
  last = key;
  if (++count == chunk_keys_max) bytes.shrink_to_fit();
}

std::vector<cold_key> cold_run::chunk::keys() const {
  std::vector<cold_key> out;
  out.reserve(count);
  cold_key key;
  for (const std::uint8_t* at = bytes.data(); out.size() < count;) {
    const std::uint8_t head = *at++;
    std::uint64_t delta = head >> 1 & 0x3f;
    if (head >= 0x80) delta |= get(at) << 6;
    key.id = task_id{apply(key.id.value, delta)};
    if ((head & 1) != 0) {
      key.job = job_id{apply(key.job.value, get(at))};
      key.flags = *at++;
    }
    out.push_back(key);
  }
  return out;
}

bool cold_run::chunk::may_hold(const key_match& which) const noexcept {
  if (which.task) return id_min <= which.task && which.task <= id_max;
  return job_min <= which.job && which.job <= job_max;
}

bool cold_run::chunk::is_all(const key_match& which) const noexcept {
  return !which.task && job_min == which.job && job_max == which.job;
}

std::list<cold_run::chunk> cold_run::pack(std::span<const cold_key> keys) {
  std::list<chunk> out;
  for (const cold_key& key : keys) {
    if (out.empty() || out.back().count == chunk_keys_max) out.emplace_back();
    out.back().push(key);
  }
  if (!out.empty()) out.back().bytes.shrink_to_fit();
  return out;
}

void cold_run::push_back(const cold_key& key) {
  if (chunks_.empty() || chunks_.back().count == chunk_keys_max) chunks_.emplace_back();
  chunks_.back().push(key);
  ++size_;
}

void cold_run::push_front(std::span<const cold_key> keys) {
  if (keys.empty()) return;
  size_ += keys.size();
  // Many small pieces would each pay for a chunk of their own.
  if (!chunks_.empty() && chunks_.front().count + keys.size() <= chunk_keys_max) {
    std::vector<cold_key> both(keys.begin(), keys.end());
    const auto old = chunks_.front().keys();
    both.insert(both.end(), old.begin(), old.end());
    chunks_.pop_front();
    return chunks_.splice(chunks_.begin(), pack(both));
  }
  chunks_.splice(chunks_.begin(), pack(keys));
}

void cold_run::append(cold_run&& other) {
  size_ += std::exchange(other.size_, 0);
  chunks_.splice(chunks_.end(), other.chunks_);
}

void cold_run::prepend(cold_run&& other) {
  size_ += std::exchange(other.size_, 0);
  chunks_.splice(chunks_.begin(), other.chunks_);
}

std::vector<cold_key> cold_run::take(std::size_t count) {
  std::vector<cold_key> out;
  while (!chunks_.empty() && out.size() < count) {
    const auto keys = chunks_.front().keys();
    chunks_.pop_front();
    const auto taken = std::min(keys.size(), count - out.size());
    out.insert(out.end(), keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(taken));
    chunks_.splice(chunks_.begin(), pack(std::span(keys).subspan(taken)));
  }
  size_ -= out.size();
  return out;
}

cold_run cold_run::extract(const key_match& which) {
  cold_run gone;
  for (auto at = chunks_.begin(); at != chunks_.end();) {
    const auto next = std::next(at);
    if (at->is_all(which)) {
      gone.size_ += at->count;
      gone.chunks_.splice(gone.chunks_.end(), chunks_, at);
    } else if (at->may_hold(which)) {
      std::vector<cold_key> stay;
      const auto before = gone.size_;
      for (const cold_key& key : at->keys())
        if (which(key.id, key.job))
          gone.push_back(key);
        else
          stay.push_back(key);
      if (gone.size_ != before) {
        chunks_.splice(at, pack(stay));
        chunks_.erase(at);
      }
    }
    at = next;
  }
  size_ -= gone.size_;
  return gone;
}

std::map<std::uint8_t, cold_run> cold_run::extract(const priority_changes& changes,
                                                   std::uint8_t here) {
  std::map<std::uint8_t, cold_run> gone;
  for (auto at = chunks_.begin(); at != chunks_.end();) {
    const auto next = std::next(at);
    if (const auto all = changes.whole(at->range())) {
      if (*all != here) {
        cold_run& to = gone[*all];
        to.size_ += at->count;
        size_ -= at->count;
        to.chunks_.splice(to.chunks_.end(), chunks_, at);
      }
    } else if (changes.touches(at->range())) {
      std::vector<cold_key> stay;
      for (const cold_key& key : at->keys())
        if (const auto to = changes.of(key.id, key.job); to && *to != here)
          gone[*to].push_back(key);
        else
          stay.push_back(key);
      if (stay.size() != at->count) {
        size_ -= at->count - stay.size();
        chunks_.splice(at, pack(stay));
        chunks_.erase(at);
      }
    }
    at = next;
  }
  return gone;
}

std::optional<std::pair<cold_key, std::size_t>> cold_run::find(task_id id) const {
  std::size_t before = 0;
  for (const chunk& c : chunks_) {
    if (c.may_hold({id, {}})) {
      const auto keys = c.keys();
      if (const auto at = std::ranges::find(keys, id, &cold_key::id); at != keys.end())
        return std::pair{*at, before + static_cast<std::size_t>(at - keys.begin())};
    }
    before += c.count;
  }
  return std::nullopt;
}

std::size_t cold_run::bytes() const noexcept {
  std::size_t total = 0;
  for (const chunk& c : chunks_) total += sizeof(chunk) + 2 * sizeof(void*) + c.bytes.capacity();
  return total;
}

}  // namespace cascade
