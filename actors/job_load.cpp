#include <nlohmann/json.hpp>

#include "actors/decode.hpp"
#include "actors/job_impl.hpp"
#include "sql/queries.hpp"

namespace cascade {
namespace {

void begin_graph(job_self self, std::vector<job_loaded::row>&& rows) {
  auto& d = self->state;
  auto input = nlohmann::json::parse(d.row.input, nullptr, false);
  d.graph = std::make_unique<job_graph>(d.plan, std::move(input), job_info{d.begin.job});
  d.steps = std::make_unique<job_steps>(
      d.plan, step_defaults{d.row.priority, d.context->settings.tags, d.row.tenant});
  settlement s;
  after_record then;
  s.start = d.row.state == job_state::pending;
  if (rows.empty()) {
    d.now = phase::inserting;
    decisions first = d.graph->start();
    d.steps->insert_all(first, s, then.released);
    then.rest = std::move(first);
    return submit(self, std::move(s), std::move(then));
  }
  for (job_loaded::row& r : rows) {
    const auto step = d.plan->find(r.step);
    if (!step) continue;  // a task that a handler added under a step's name of its own
    d.steps->remember(*step, r.item, r.id, r.priority);
    std::optional<nlohmann::json> value;
    if (r.result) value = nlohmann::json::parse(*r.result, nullptr, false);
    d.graph->restore({*step, r.item, r.state, r.reason, std::move(value), std::move(r.error)});
  }
  d.now = phase::running;
  carry(self, d.graph->start(), s, then);
  if (d.begin.redrive) {
    d.end.reset();
    carry(self, d.graph->redrive(), s, then);
  }
  if (s.rows() > 0 || d.end) submit(self, std::move(s), std::move(then));
  if (!d.early.empty()) settle(self, std::exchange(d.early, {}));
}

void ready(job_self self) {
  auto& d = self->state;
  self->send(d.links.scheduler,
             job_attached{d.begin.job, !d.plan, d.row.state == job_state::paused, d.row.started,
                          d.row.timeout, d.row.workflow, d.row.concurrency});
}

}  // namespace

void read_rows(job_self self) {
  auto& d = self->state;
  std::vector<std::string> needed;
  if (d.plan)
    for (step_index i = 0; i < d.plan->step_count(); ++i)
      if (d.plan->plan(i).result_needed) needed.push_back(d.plan->step(i).name);
  std::vector<pg::statement> batch;
  batch.emplace_back(sql::load_job, pg::params{}.int8(d.begin.job.value));
  if (d.plan)
    batch.emplace_back(sql::load_job_tasks, pg::params{}.int8(d.begin.job.value).texts(needed));
  d.context->database->read(
      std::move(batch), [to = caf::actor_cast<job_impl>(self)](pg::batch_reply reply) {
        job_loaded l;
        l.ok = reply.has_value();
        if (reply) {
          inbox_page page;
          decode_inbox(reply.value()[0], page);
          if (!page.jobs.empty()) l.job = std::move(page.jobs.front());
          if (reply.value().size() > 1) {
            const pg::rows& r = reply.value()[1];
            for (int i = 0; i < r.size(); ++i) {
              job_loaded::row row;
              row.id = task_id{r.int64(i, 0)};
              row.step = r.text(i, 1);
              if (!r.is_null(i, 2)) row.item = r.int32(i, 2);
              row.state = parse_task_state(r.text(i, 3)).value_or(task_state::waiting);
              if (!r.is_null(i, 4)) row.reason = parse_waiting_reason(r.text(i, 4));
              if (!r.is_null(i, 5)) row.result = std::string(r.text(i, 5));
              if (!r.is_null(i, 6)) row.error = r.text(i, 6);
              row.priority = r.int16(i, 7);
              l.rows.push_back(std::move(row));
            }
            l.with_rows = true;
          }
        }
        caf::anon_send(to, std::move(l));
      });
}

void get_plan(job_self self) {
  auto& d = self->state;
  self->request(d.links.catalog, std::chrono::seconds(60),
                get_workflow{d.row.workflow, d.row.version})
      .then(
          [self](const workflow_found& w) {
            self->state.plan = w.plan;
            ready(self);
            if (self->state.begin.fresh)
              guarded(self, [&] { begin_graph(self, {}); });
            else
              read_rows(self);
          },
          [self](const caf::error& e) {
            if (e == errc::database_unavailable) return arm_retry(self);
            ready(self);
            fail_job(self, "its workflow " + self->state.row.workflow + " version " +
                               std::to_string(self->state.row.version) +
                               " cannot be run: " + error_text(e));
          });
}

void begin(job_self self, job_arrival&& row) {
  auto& d = self->state;
  d.row = std::move(row);
  if (!d.row.workflow.empty()) return get_plan(self);
  d.now = phase::running;
  ready(self);
  if (d.row.state != job_state::pending) return;
  settlement s;
  s.start = true;
  submit(self, std::move(s), {});
}

void loaded(job_self self, job_loaded& l) {
  auto& d = self->state;
  if (!l.ok) return arm_retry(self);
  d.backoff = std::chrono::milliseconds(50);
  if (l.with_rows) return guarded(self, [&] { begin_graph(self, std::move(l.rows)); });
  if (!l.job.id ||
      is_finished(l.job.state)) {  // its tasks are orphans: a row was added to a job that had ended
    self->send(d.links.scheduler, forget_job_tasks{d.begin.job});
    settlement s;
    s.singles.push_back({single_write::kind::cancel_job_tasks, d.begin.job.value, 0,
                         "its job does not exist or had finished"});
    submit(self, std::move(s), {});
    self->send(d.links.scheduler, job_ended{d.begin.job, d.obeyed});
    return self->quit();
  }
  begin(self, std::move(l.job));
}

}  // namespace cascade
