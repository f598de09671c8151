#include "triggers/priority_plan.hpp"

#include <utility>

namespace cascade {

void priority_plan::add(const priority_change& c, time_point now) {
  ++counts_.received;
  last_ = std::max(last_, now);
  const bool was_crowded = std::exchange(crowded_, size() + 1 >= settings_.waiting_max / 2);
  if (c.task)
    add_task(c, now - c.age);
  else
    add_job(c, now - c.age);
  if (!crowded_ || was_crowded) return;
  for (auto& [id, e] : jobs_) make_due(e, priority_tier::low);
  for (auto& [id, e] : tasks_) make_due(e, priority_tier::low);
}

void priority_plan::add_task(const priority_change& c, time_point at) {
  if (!c.now) {
    ++counts_.unchanged;
    return void_.push_back(c.id);
  }
  const auto [where, made] = tasks_.try_emplace(c.task);
  entry& e = where->second;
  if (made) {
    e.task = c.task;
    e.job = c.job;
    e.now = *c.now;
    e.first = at;
  } else {
    leave(e);
  }
  const auto drop = [this](std::int64_t id) {
    ++counts_.coalesced;
    void_.push_back(id);
  };
  e.wish.add({c.id, c.priority}, c.at_least, drop);
  if (const auto job = jobs_.find(c.job); c.job && job != jobs_.end())
    e.wish.forget_before(job->second.wish.last(), drop);
  if (e.wish.empty()) return forget(e);
  // One that undoes what a change of its job is about to do is not without effect.
  if (!job_waits(c.job) && e.wish.of(e.now) == e.now) {
    e.wish.for_each_id([this](std::int64_t id) {
      ++counts_.unchanged;
      void_.push_back(id);
    });
    return forget(e);
  }
  arm(e, at);
}

void priority_plan::add_job(const priority_change& c, time_point at) {
  const auto drop = [this](std::int64_t id) {
    ++counts_.coalesced;
    void_.push_back(id);
  };
  const auto [where, made] = jobs_.try_emplace(c.job);
  entry& e = where->second;
  if (made) {
    e.job = c.job;
    e.first = at;
  } else {
    leave(e);
  }
  e.wish.add({c.id, c.priority}, false, drop);
  // It is about all tasks: what was wished for one of them before counts no more.
  std::vector<entry*> of_job;
  if (const auto f = families_.find(c.job); f != families_.end())
    for (const auto& [id, other] : f->second) of_job.push_back(other);
  for (entry* other : of_job) {
    other->wish.forget_before(e.wish.last(), drop);
    if (!other->wish.empty()) continue;
    leave(*other);
    forget(*other);
  }
  arm(e, at);
}

void priority_plan::arm(entry& e, time_point at) {
  const priority_tier tier = settings_.tier_of(e.wish.of(e.now));
  e.at = e.wish.last();
  if (e.job) {
    family& all = families_[e.job];
    const auto mine = all.emplace(e.at, &e).first;
    // Newer ones that are due already take it along.
    std::optional<priority_tier> rank;
    for (auto newer = std::next(mine); newer != all.end(); ++newer)
      if (const auto& due = newer->second->due) rank = std::min(rank.value_or(*due), *due);
    if (rank) make_due(e, *rank);
  }
  if (tier == priority_tier::high || crowded_) return make_due(e, tier);
  if (e.due) return;
  const bool medium = tier == priority_tier::medium;
  const auto due = std::min(at + (medium ? settings_.medium_quiet : settings_.low_quiet),
                            e.first + (medium ? settings_.medium_most : settings_.low_most));
  if (due <= last_) return make_due(e, tier);
  count_waiting(e, tier);
  wheel_.schedule(e, ticks_up(due - start_, tick));
}

void priority_plan::make_due(entry& e, priority_tier rank) {
  if (e.job) {
    const family& all = families_[e.job];
    for (auto at = all.begin(); at != all.end() && at->first <= e.at; ++at)
      set_due(*at->second, rank);
  } else {
    set_due(e, rank);
  }
}

void priority_plan::set_due(entry& e, priority_tier rank) {
  if (e.due && *e.due <= rank) return;
  if (e.due) due_.erase({*e.due, e.at});
  wheel_.cancel(e);
  count_waiting(e, std::nullopt);
  e.due = rank;
  due_.emplace(place{rank, e.at}, &e);
}

// Out of everything that knows when it is to be applied.
void priority_plan::leave(entry& e) {
  wheel_.cancel(e);
  count_waiting(e, std::nullopt);
  if (e.due) due_.erase({*e.due, e.at});
  e.due.reset();
  if (!e.job) return;
  const auto f = families_.find(e.job);
  if (f == families_.end()) return;
  f->second.erase(e.at);
  if (f->second.empty()) families_.erase(f);
}

void priority_plan::forget(entry& e) {
  if (e.task)
    tasks_.erase(task_id(e.task));
  else
    jobs_.erase(job_id(e.job));
}

void priority_plan::count_waiting(entry& e, std::optional<priority_tier> as) {
  if (e.waits) --waiting_[static_cast<std::size_t>(*e.waits)];
  if (as) ++waiting_[static_cast<std::size_t>(*as)];
  e.waits = as;
}

void priority_plan::advance(time_point now) {
  last_ = std::max(last_, now);
  std::vector<entry*> due;
  wheel_.advance(ticks_down(last_ - start_, tick),
                 [&](timer_node& n) { due.push_back(&static_cast<entry&>(n)); });
  for (entry* e : due)
    if (e->waits) make_due(*e, *e->waits);
}

priority_slice priority_plan::take(std::size_t rows) {
  priority_slice out;
  while (!due_.empty() && out.rows() < rows) {
    entry& e = *due_.begin()->second;
    leave(e);
    const std::uint8_t priority = e.wish.of(e.now);
    if (e.task && priority == e.now) {
      e.wish.for_each_id([this](std::int64_t id) {
        ++counts_.unchanged;
        void_.push_back(id);
      });
    } else {
      e.wish.for_each_id([&](std::int64_t id) {
        out.changes.push_back({id, e.task, e.task ? job_id{} : e.job});
      });
      if (e.task)
        out.tasks.push_back({e.task, e.job, priority});
      else
        out.jobs.push_back({e.job, priority});
    }
    if (!e.task)
      if (const auto f = families_.find(e.job); f != families_.end())
        for (const auto& [id, other] : f->second) other->now = priority;
    forget(e);
  }
  return out;
}

std::vector<std::int64_t> priority_plan::take_void(std::size_t most) {
  const auto n = static_cast<std::ptrdiff_t>(std::min(most, void_.size()));
  std::vector<std::int64_t> out(void_.begin(), void_.begin() + n);
  void_.erase(void_.begin(), void_.begin() + n);
  return out;
}

void priority_plan::note(task_id task, std::uint8_t priority) {
  if (const auto at = tasks_.find(task); at != tasks_.end()) at->second.now = priority;
}

std::optional<priority_plan::time_point> priority_plan::next() const {
  const auto at = wheel_.next_wakeup();
  if (!at) return std::nullopt;
  return start_ + *at * tick;
}

}  // namespace cascade
