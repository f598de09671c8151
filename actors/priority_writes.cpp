#include "actors/priority_writes.hpp"

#include <algorithm>

#include "state/assert.hpp"

namespace cascade {
namespace {

constexpr std::chrono::milliseconds busy_wait{100};
constexpr std::size_t page_rows = 10'000;

}  // namespace

void priority_writes::add(priority_slice&& slice, const std::vector<task_priority>& raised) {
  CASCADE_ASSERT(!slice_left());
  begin_group(slice);
  std::vector<task_priority> all = std::move(slice.tasks);
  all.insert(all.end(), raised.begin(), raised.end());
  const priority_changes last(std::move(all), {});
  tasks_.assign(last.tasks().begin(), last.tasks().end());
  for (const task_priority& t : tasks_) {
    if (auto old = retries_.extract(t.task))
      for (const auto id : old.mapped().changes) changes_.push_back({id, t.task});
    for (group& g : groups_)
      if (std::ranges::find(g.jobs, t.job, &job_priority::job) != g.jobs.end())
        g.skip.insert(t.task);
  }
  for (const auto& c : slice.changes) {
    if (!c.task) continue;  // with its group
    const auto job = std::ranges::find(last.tasks(), c.task, &task_priority::task)->job;
    const auto g = std::ranges::find_if(groups_, [&](const group& x) {
      return std::ranges::find(x.jobs, job, &job_priority::job) != x.jobs.end();
    });
    if (g == groups_.end())
      changes_.push_back({c.change, c.task});
    else
      g->changes.push_back({c.change, {}});
  }
  jobs_ = std::move(slice.jobs);
}

void priority_writes::begin_group(const priority_slice& slice) {
  if (slice.jobs.empty()) return;
  group made;
  made.jobs = slice.jobs;
  for (const auto& c : slice.changes)
    if (c.job) made.changes.push_back({c.change, {}});
  for (const job_priority& j : slice.jobs) {
    for (group& g : groups_) {
      std::erase_if(g.jobs, [&](const job_priority& x) { return x.job == j.job; });
      std::erase_if(g.tasks, [&](const task_priority& t) { return t.job == j.job; });
    }
    std::erase_if(retries_, [&](const auto& r) {
      if (r.second.what.job != j.job) return false;
      for (const auto id : r.second.changes) made.changes.push_back({id, {}});
      return true;
    });
  }
  groups_.push_back(std::move(made));
}

std::optional<monotonic> priority_writes::next() const {
  std::optional<monotonic> at;
  if (!retries_.empty()) at = retry_at_;
  if (!groups_.empty())
    at = std::min(at.value_or(groups_.front().not_before), groups_.front().not_before);
  return at;
}

std::optional<priority_writes::listing> priority_writes::list() const {
  const group& g = groups_.front();
  if (g.all_listed || !g.tasks.empty() || g.jobs.empty()) return std::nullopt;
  // Those that are skipped are among them, again and again.
  return listing{g.jobs, page_rows + g.skip.size()};
}

void priority_writes::listed(std::vector<task_priority>&& tasks, bool all) {
  group& g = groups_.front();
  g.all_listed = all;
  g.tasks.assign(tasks.begin(), tasks.end());
}

void priority_writes::put(settlement& s, const task_priority& t) {
  s.task_priorities.push_back(t);
  in_flight_[t.task] = t;
}

settlement priority_writes::slice_piece(std::size_t rows) {
  settlement s;
  under_way_ = piece::slice;
  s.job_priorities = std::exchange(jobs_, {});
  for (; !tasks_.empty() && s.task_priorities.size() < rows; tasks_.pop_front())
    put(s, tasks_.front());
  if (tasks_.empty()) s.applied_changes = changes_;
  return s;
}

settlement priority_writes::job_piece(std::size_t rows) {
  settlement s;
  group& g = groups_.front();
  under_way_ = piece::job;
  for (; !g.tasks.empty() && s.task_priorities.size() < rows; g.tasks.pop_front())
    if (!g.skip.contains(g.tasks.front().task)) put(s, g.tasks.front());
  if (g.tasks.empty() && (g.all_listed || g.jobs.empty()) && s.task_priorities.empty())
    s.applied_changes = g.changes;
  return s;
}

settlement priority_writes::retry_piece(std::size_t rows) {
  settlement s;
  under_way_ = piece::again;
  for (const auto& [task, r] : retries_) {
    if (s.task_priorities.size() == rows) break;
    put(s, r.what);
    for (const auto id : r.changes) s.applied_changes.push_back({id, task});
  }
  return s;
}

void priority_writes::written(const recorded& r, monotonic now) {
  const piece what = std::exchange(under_way_, piece::none);
  auto sent = std::exchange(in_flight_, {});
  if (what == piece::again)
    for (const auto& [task, t] : sent)
      if (std::ranges::find(r.busy, task) == r.busy.end()) retries_.erase(task);
  if (what == piece::again) retry_at_ = now + busy_wait;
  if (what == piece::slice) {
    for (const task_id task : r.busy) {
      retry again{sent.at(task), {}};
      std::erase_if(changes_, [&](const applied_change& c) {
        if (c.task == task) again.changes.push_back(c.id);
        return c.task == task;
      });
      retries_.insert_or_assign(task, std::move(again));
      retry_at_ = now + busy_wait;
    }
    if (tasks_.empty()) changes_.clear();
  }
  if (what != piece::job) return;
  group& g = groups_.front();
  for (const task_id task : r.busy) g.tasks.push_back(sent.at(task));
  if (!r.busy.empty()) g.not_before = now + busy_wait;
  if (g.tasks.empty() && (g.all_listed || g.jobs.empty()) && sent.empty()) groups_.pop_front();
}

std::optional<std::uint8_t> priority_writes::coming(task_id task, job_id job) const {
  if (const auto r = retries_.find(task); r != retries_.end()) return r->second.what.priority;
  if (!job) return std::nullopt;
  for (auto g = groups_.rbegin(); g != groups_.rend(); ++g) {
    if (g->skip.contains(task)) return std::nullopt;
    if (const auto j = std::ranges::find(g->jobs, job, &job_priority::job); j != g->jobs.end())
      return j->priority;
  }
  return std::nullopt;
}

}  // namespace cascade
