#include <algorithm>
#include <set>

#include "actors/scheduler_impl.hpp"
#include "sql/queries.hpp"

namespace cascade {
namespace {

when_full strategy_of(std::string_view name) {
  const auto at = std::ranges::find(when_full_names, name);
  return at == when_full_names.end() ? when_full::wait
                                     : static_cast<when_full>(at - when_full_names.begin());
}

void decode(const std::vector<pg::rows>& rows, queues_loaded& out) {
  std::map<std::string, tenant_strides> tenants;
  const pg::rows& t = rows[1];
  for (int i = 0; i < t.size(); ++i)
    tenants[std::string(t.text(i, 0))][tenant_of(t.text(i, 1))] = fair_stride(t.float8(i, 2));
  const pg::rows& r = rows[0];
  for (int i = 0; i < r.size(); ++i)
    out.queues.push_back({std::string(r.text(i, 0)),
                          r.boolean(i, 1),
                          r.is_null(i, 2) ? 0 : r.int32(i, 2),
                          {r.is_null(i, 3) ? 0 : r.float8(i, 3), r.int32(i, 4)},
                          {r.is_null(i, 5) ? 0 : r.float8(i, 5), r.int32(i, 6)},
                          r.int32(i, 7),
                          strategy_of(r.text(i, 8)),
                          r.float8(i, 9),
                          {}});
  for (queue_settings& q : out.queues)
    if (auto its = tenants.extract(q.name)) q.tenants = std::move(its.mapped());
  for (auto& [queue, its] : tenants) {
    out.queues.push_back({.name = queue});
    out.queues.back().tenants = std::move(its);
  }
  const pg::rows& w = rows[2];
  for (int i = 0; i < w.size(); ++i)
    out.workflows.push_back(
        {std::string(w.text(i, 0)), w.boolean(i, 1), w.is_null(i, 2) ? 0 : w.int32(i, 2)});
}

void pause_workflow(scheduler_self self, const std::string& name, bool paused) {
  for (auto& [id, job] : self->state.jobs) {
    if (job.workflow != name || std::exchange(job.workflow_paused, paused) == paused) continue;
    if (!job.stopped()) resume(self, job);
  }
}

void set_workflow(scheduler_self self, const workflow_settings& row) {
  limit_slot(self, {slot_kind::workflow, {}, row.workflow}, row.concurrency);
  pause_workflow(self, row.workflow, row.paused);
}

}  // namespace

void load_queues(scheduler_self self) {
  auto& s = self->state;
  std::vector<pg::statement> batch;
  batch.emplace_back(sql::load_queues);
  batch.emplace_back(sql::load_tenants);
  batch.emplace_back(sql::load_workflow_settings);
  s.context->database->read(std::move(batch), [to = caf::actor_cast<scheduler_impl>(self),
                                               generation = s.generation](pg::batch_reply reply) {
    queues_loaded q;
    q.generation = generation;
    q.ok = reply.has_value();
    if (reply) decode(reply.value(), q);
    caf::anon_send(to, std::move(q));
  });
}

void set_queues(scheduler_self self, const queues_loaded& rows) {
  auto& s = self->state;
  std::set<std::string_view> named;
  for (const queue_settings& row : rows.queues) {
    named.insert(row.name);
    set_queue(self, row);
  }
  for (const auto& [name, info] : s.queues)
    if (!named.contains(name)) set_queue(self, {.name = name});
  auto before = std::exchange(s.workflows, {});
  for (const workflow_settings& row : rows.workflows) {
    before.erase(row.workflow);
    s.workflows.emplace(row.workflow, row);
    set_workflow(self, row);
  }
  for (const auto& [name, row] : before) set_workflow(self, {.workflow = name});
}

}  // namespace cascade
