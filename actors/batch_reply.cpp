// From the reply of a batch to what each settlement must know.
#include <sstream>

#include "actors/batch.hpp"
#include "state/assert.hpp"

namespace cascade {

bool left_uncounted(const built_batch& batch, const std::vector<pg::rows>& reply) {
  return batch.counts_at != 0 && !reply.at(batch.counts_at).boolean(0, 0);
}

std::vector<recorded> read_reply(const built_batch& batch, const std::vector<pg::rows>& reply) {
  std::vector<recorded> out(batch.shapes.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].ticket = batch.shapes[i].ticket;
    out[i].rows = batch.shapes[i].rows;
  }
  for (const auto& [i, at] : batch.inserts) {
    const pg::rows& ids = reply.at(at);
    CASCADE_ASSERT(static_cast<std::size_t>(ids.size()) == batch.shapes[i].inserts);
    for (int row = 0; row < ids.size(); ++row)
      out[i].inserted.push_back(task_id{ids.int64(row, 0)});
  }
  if (batch.priorities_at != 0) {
    const pg::rows& written = reply.at(batch.priorities_at);
    std::vector<task_id> busy;
    std::istringstream ids{std::string(written.text(0, 1))};
    for (std::int64_t id = 0; ids >> id;) busy.push_back(task_id{id});
    for (std::size_t i = 0; i < out.size(); ++i)
      if (batch.shapes[i].priorities) {
        out[i].reprioritized = static_cast<std::size_t>(written.int64(0, 0));
        out[i].busy = busy;
      }
  }
  if (batch.ends_at != 0) {
    const pg::rows& ended = reply.at(batch.ends_at);
    std::unordered_map<std::int64_t, std::optional<job_state>> states;
    for (int row = 0; row < ended.size(); ++row)
      states[ended.int64(row, 0)] = parse_job_state(ended.text(row, 1));
    for (std::size_t i = 0; i < out.size(); ++i)
      if (const auto at = states.find(batch.shapes[i].ending.value);
          batch.shapes[i].ending && at != states.end())
        out[i].ended = at->second;
  }
  return out;
}

}  // namespace cascade
