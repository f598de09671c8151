#include "actors/job_steps.hpp"

#include <algorithm>

#include "state/assert.hpp"
#include "state/retry_policy.hpp"

namespace cascade {
namespace {

std::string text_of(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::size_t position(int item) { return item < 0 ? 0 : static_cast<std::size_t>(item); }

}  // namespace

job_steps::job_steps(std::shared_ptr<const workflow_plan> plan, step_defaults defaults)
    : plan_(std::move(plan)), defaults_(std::move(defaults)), tasks_(plan_->step_count()) {}

void job_steps::remember(step_index step, int item, task_id id, std::optional<int> priority) {
  const auto made_with = static_cast<std::uint8_t>(priority.value_or(priority_of(step, item)));
  auto& all = tasks_[step];
  if (all.size() <= position(item)) all.resize(position(item) + 1);
  all[position(item)] = {id, made_with};
}

const job_steps::known_task* job_steps::known(step_index step, int item) const {
  const auto& all = tasks_[step];
  const bool is_known = position(item) < all.size() && all[position(item)].id;
  return is_known ? &all[position(item)] : nullptr;
}

task_id job_steps::id_of(step_index step, int item) const {
  CASCADE_ASSERT(step < tasks_.size() && position(item) < tasks_[step].size());
  return tasks_[step][position(item)].id;
}

std::pair<step_index, int> job_steps::row_at(step_index step, std::size_t position) const {
  const bool plain = tasks_[step].size() == 1 && !plan_->step(step).for_each;
  return {step, plain ? -1 : static_cast<int>(position)};
}

std::optional<std::pair<step_index, int>> job_steps::find(task_id id) const {
  for (step_index i = 0; i < tasks_.size(); ++i)
    if (const auto at = std::ranges::find(tasks_[i], id, &known_task::id); at != tasks_[i].end())
      return row_at(i, static_cast<std::size_t>(at - tasks_[i].begin()));
  return std::nullopt;
}

arrival job_steps::ready(step_index step, int item, task_id id,
                         const std::optional<nlohmann::json>& payload) const {
  const step_definition& s = plan_->step(step);
  arrival a;
  a.id = id;
  a.priority = priority_of(step, item);
  a.tenant = defaults_.tenant;
  a.capable = std::ranges::all_of(s.requires_tags, [this](const std::string& tag) {
    return std::ranges::find(defaults_.tags, tag) != defaults_.tags.end();
  });
  a.body.handler = s.handler;
  a.body.queue = s.queue;
  a.body.step = s.name;
  a.body.item = item;
  a.body.attempts_max = s.max_attempts;
  a.body.timeout_ms = s.timeout.count();
  a.start_within = s.start_within;
  if (s.retry) a.body.retry = text_of(to_json(*s.retry));
  if (s.command) a.body.command = text_of(*s.command);
  a.has_payload = payload.has_value() && !redriven_;
  if (payload) a.body.payload = text_of(*payload);
  return a;
}

step_wait job_steps::wait_of(step_index step, const std::optional<instant>& until) const {
  return {plan_->step(step).wait, until};
}

new_step_task job_steps::row(step_index step, int item) const {
  const step_definition& s = plan_->step(step);
  new_step_task t;
  t.step = s.name;
  t.item = item;
  t.priority = priority_of(step, item);
  t.timeout_ms = s.timeout.count();
  t.start_within_ms = s.start_within.count();
  t.attempts_max = s.max_attempts;
  t.handler = s.handler;
  t.queue = s.queue;
  if (s.retry) t.retry = text_of(to_json(*s.retry));
  if (s.command) t.command = text_of(*s.command);
  if (!s.requires_tags.empty()) t.requires_tags = text_of(s.requires_tags);
  return t;
}

void job_steps::insert_all(decisions& d, settlement& out, released_steps& then) const {
  std::vector<const decisions::release*> at_once(plan_->step_count());
  for (const auto& r : d.released)
    if (r.item < 0 && r.payload) at_once[r.step] = &r;
  for (step_index i = 0; i < plan_->step_count(); ++i) {
    new_step_task t = row(i, -1);
    if (at_once[i] != nullptr) {
      arrival a = ready(i, -1, {}, at_once[i]->payload);
      t.payload = a.body.payload;
      t.wait = wait_of(i, at_once[i]->run_at);
      then.add(out.inserts.size(), std::move(a), t.wait);
    }
    then.inserts.emplace_back(i, -1);
    out.inserts.push_back(std::move(t));
  }
  std::erase_if(d.released, [](const decisions::release& r) { return r.item < 0 && r.payload; });
}

void job_steps::carry(const decisions& d, settlement& out, released_steps& then) const {
  for (const auto& r : d.released) {
    arrival a = ready(r.step, r.item, id_of(r.step, r.item), r.payload);
    const step_wait wait = wait_of(r.step, r.run_at);
    out.released.push_back(
        {a.id, r.item, r.payload ? std::optional(a.body.payload) : std::nullopt, wait});
    then.add(std::move(a), wait);
  }
  for (const auto& e : d.expanded) {
    const step_wait wait = wait_of(e.step, e.run_at);
    for (const auto& entry : e.items) {
      if (entry.item == 0) {
        arrival a = ready(e.step, 0, id_of(e.step, 0), entry.payload);
        out.released.push_back({a.id, 0, a.body.payload, wait});
        then.add(std::move(a), wait);
        continue;
      }
      arrival a = ready(e.step, entry.item, {}, entry.payload);
      new_step_task t = row(e.step, entry.item);
      t.payload = a.body.payload;
      t.wait = wait;
      then.add(out.inserts.size(), std::move(a), wait);
      then.inserts.emplace_back(e.step, entry.item);
      out.inserts.push_back(std::move(t));
    }
  }
  for (const auto& s : d.skipped)
    out.unrun.push_back({id_of(s.step, s.item), task_state::skipped, s.reason,
                         s.result ? text_of(*s.result) : std::string{}});
  for (const auto& f : d.failed)
    out.unrun.push_back({id_of(f.step, f.item), task_state::failed, f.error, {}});
}

void job_steps::inserted(const std::vector<std::pair<step_index, int>>& rows,
                         const std::vector<task_id>& ids) {
  CASCADE_ASSERT(rows.size() == ids.size());
  for (std::size_t i = 0; i < rows.size(); ++i) remember(rows[i].first, rows[i].second, ids[i]);
}

}  // namespace cascade
