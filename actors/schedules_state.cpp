#include "actors/schedules_state.hpp"

#include <nlohmann/json.hpp>

namespace cascade {
namespace {

// A tick that is late by less, beside its jitter, has not been missed: a restart does not lose the one
// it falls on.
constexpr std::chrono::minutes grace{1};
constexpr std::size_t marks_max = 1'000;

std::uint64_t ticks_of(instant t) { return ticks_up(t.time_since_epoch()); }

}  // namespace

void schedules_state::forget() {
  entries_.clear();
  wheel_ = std::make_unique<timer_wheel>();
  ready_.clear();
  marks_.clear();
  in_flight = 0;
  last_ = {};
}

void schedules_state::add(schedule_row&& row, instant now) {
  entry& e = entries_[row.name];
  e.row = std::move(row);
  auto rule = schedule_rule::make(e.row.when);
  if (rule) {
    e.rule = rule.value();
    broken_.erase(e.row.name);
    return plan(e, now);
  }
  e.problem = rule.error().message;
  if (!rule.error().hint.empty()) e.problem += "; " + rule.error().hint;
  // All rows are read again whenever one of them changes.
  if (std::exchange(broken_[e.row.name], e.problem) != e.problem)
    context->log->error("cascade.schedules.broken name=\"{}\" text=\"{}\"", e.row.name, e.problem);
  marks_.push_back(e.row.name);
}

void schedules_state::all_added() {
  std::erase_if(broken_, [&](const auto& b) { return !entries_.contains(b.first); });
}

void schedules_state::plan(entry& e, instant now) {
  const schedule_plan p =
      plan_ticks(*e.rule, e.row.handled_to, now, e.row.policy, e.row.most, grace + e.row.jitter);
  e.next = p.next;
  for (const instant tick : p.fire) {
    if (tick + tick_jitter(e.row.name, tick, e.row.jitter) > now) {
      e.next = tick;
      break;
    }
    e.due.push_back(tick);
  }
  if (p.missed > 0 && e.due.empty())
    e.row.handled_to = std::max(
        e.row.handled_to, e.next ? std::min(now, *e.next - std::chrono::microseconds(1)) : now);
  if (!e.due.empty()) return ready_.push_back(e.row.name);
  if (e.next)
    wheel_->schedule(e, ticks_of(*e.next + tick_jitter(e.row.name, *e.next, e.row.jitter)));
  marks_.push_back(e.row.name);
}

bool schedules_state::take_due(instant now) {
  if (now < last_ - std::chrono::seconds(1)) return false;
  last_ = now;
  wheel_->advance(ticks_down(now.time_since_epoch()),
                  [&](timer_node& n) { plan(static_cast<entry&>(n), now); });
  return true;
}

std::optional<std::pair<std::string, instant>> schedules_state::next_to_fire() {
  if (ready_.empty()) return std::nullopt;
  std::pair next{ready_.front(), entries_.at(ready_.front()).due.front()};
  ready_.pop_front();
  return next;
}

void schedules_state::handled(const std::string& schedule, instant tick, bool gone, instant now) {
  const auto at = entries_.find(schedule);
  if (at == entries_.end()) return;
  if (gone) return void(entries_.erase(at));  // whoever did that has announced it
  entry& e = at->second;
  e.row.handled_to = std::max(e.row.handled_to, tick);
  e.due.pop_front();
  if (e.due.empty()) return plan(e, now);
  ready_.push_back(schedule);
}

std::optional<instant> schedules_state::next_due() const {
  const auto at = wheel_->next_wakeup();
  if (!at) return std::nullopt;
  return instant(*at * timer_tick_default);
}

std::vector<schedule_mark> schedules_state::take_marks() {
  std::vector<schedule_mark> out;
  while (!marks_.empty() && out.size() < marks_max) {
    if (const auto at = entries_.find(marks_.back()); at != entries_.end()) {
      const entry& e = at->second;
      out.push_back({e.row.name, e.next, e.row.handled_to, e.problem});
    }
    marks_.pop_back();
  }
  return out;
}

description schedules_state::describe() const {
  description d;
  d.state = !owner ? "standby" : entries_.empty() ? "idle" : "ready";
  nlohmann::json detail{{"schedules", entries_.size()}, {"under_way", in_flight},
                        {"waiting", ready_.size()},     {"fired", outcomes},
                        {"failures", failures},         {"last_problem", last_problem}};
  if (const auto next = next_due()) detail["next_look"] = us_of(*next);
  d.detail = detail.dump();
  return d;
}

}  // namespace cascade
