#include "actors/job.hpp"

#include <nlohmann/json.hpp>

#include "actors/decode.hpp"
#include "actors/job_steps.hpp"
#include "sql/queries.hpp"
#include "state/json_check.hpp"
#include "state/limits.hpp"

namespace cascade {
namespace {

using job_impl = job_actor::extend<caf::reacts_to<job_loaded>, caf::reacts_to<job_retry>>;

enum class phase { loading, inserting, running, ending, over };

// What follows when the settlement with this ticket is committed.
struct after_record {
  released_steps released;
  std::optional<decisions> rest;  // of a fresh job: what had to wait for the ids
  std::size_t settled = 0;
  std::vector<task_id> stopped;  // cancelled ones the scheduler must forget
  bool ends = false;
};

struct job_data {
  static inline const char* name = "cascade.job";
  engine_context_ptr context;
  job_links links;
  job_start begin;
  phase now = phase::loading;
  job_arrival row;
  std::shared_ptr<const workflow_plan> plan;
  std::unique_ptr<job_graph> graph;
  std::unique_ptr<job_steps> steps;
  std::map<std::uint64_t, after_record> pending;
  std::uint64_t ticket = 0;
  std::optional<job_end> end;  // decided, not accepted by the database yet
  bool end_in_flight = false;
  std::vector<completed_attempt> early;         // before the graph was there
  std::vector<command_arrival> early_commands;  // wait for the graph, or for the answer to the end
  std::size_t obeyed = 0;                       // commands
  std::uint64_t retry = 0;
  std::chrono::milliseconds backoff{50};
};
using job_self = job_impl::stateful_pointer<job_data>;

void submit(job_self self, settlement&& s, after_record&& then) {
  auto& d = self->state;
  s.ticket = ++d.ticket;
  s.job = d.begin.job;
  if (d.end && !d.end_in_flight) {
    s.end = d.end;
    then.ends = true;
    d.end_in_flight = true;
  }
  d.pending.emplace(s.ticket, std::move(then));
  self->send(d.links.recorder, record{std::move(s)});
}

void arm_retry(job_self self) {
  auto& d = self->state;
  self->delayed_send(self, d.backoff, job_retry{++d.retry});
  d.backoff = std::min(d.backoff * 2, std::chrono::milliseconds(2'000));
}

void try_end(job_self self) {
  auto& d = self->state;
  if (d.end && !d.end_in_flight) submit(self, {}, {});
}

// Whatever happens, the job must not hang: it ends as failed, with the reason.
void fail_job(job_self self, const std::string& why) {
  auto& d = self->state;
  d.context->log->error("cascade.job.failed job={} text=\"{}\"", d.begin.job.value, why);
  d.graph.reset();
  d.now = phase::ending;
  self->send(d.links.scheduler, forget_job_tasks{d.begin.job});
  d.end = job_end{job_state::failed, {}, storable_text(why, limits::error_bytes_max)};
  d.end_in_flight = false;
  settlement s;
  s.start = true;
  s.singles.push_back(
      {single_write::kind::cancel_job_tasks, d.begin.job.value, 0, "its job failed"});
  submit(self, std::move(s), {});
}

// Carries decisions into `s`; the graph may have ended the job with them.
void carry(job_self self, decisions&& made, settlement& s, after_record& then) {
  auto& d = self->state;
  if (!made.reopened.empty()) {
    settlement reopen;
    for (const auto& r : made.reopened) {
      const auto id = d.steps->id_of(r.step, r.item).value;
      reopen.singles.push_back({single_write::kind::log_attempt, id, 0, {}});
      reopen.singles.push_back({single_write::kind::redrive_step, id, 0, {}});
    }
    d.steps->set_redriven();
    submit(self, std::move(reopen), {});
  }
  d.steps->carry(made, s, then.released);
  if (made.end)
    d.end = job_end{made.end->state,
                    made.end->result.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
                    made.end->error};
}

template <class F>
void guarded(job_self self, F&& f) {
  try {
    f();
  } catch (const std::exception& e) {
    fail_job(self, std::string("internal error: ") + e.what());
  }
}

void settle(job_self self, std::vector<completed_attempt>&& attempts) {
  auto& d = self->state;
  if (d.now == phase::loading || d.now == phase::inserting) {
    std::move(attempts.begin(), attempts.end(), std::back_inserter(d.early));
    return;
  }
  settlement s;
  after_record then;
  then.settled = attempts.size();
  for (completed_attempt& a : attempts) {
    if (d.graph) {
      if (const auto step = d.plan->find(a.step)) {
        nlohmann::json value;
        if (a.state == task_state::completed && d.plan->plan(*step).result_needed &&
            !a.result.empty())
          value = nlohmann::json::parse(a.result, nullptr, false);
        carry(self, d.graph->settled(*step, a.item, a.state, std::move(value), a.error), s, then);
      }
    }
    s.completed.push_back(std::move(a));
  }
  submit(self, std::move(s), std::move(then));
}

void on_recorded(job_self self, const recorded& r) {
  auto& d = self->state;
  const auto at = d.pending.find(r.ticket);
  if (at == d.pending.end()) return;
  after_record then = std::move(at->second);
  d.pending.erase(at);
  if (then.ends) d.end_in_flight = false;
  if (!r.rejected.empty()) {
    if (d.now == phase::ending && !d.graph)
      return self->quit(caf::make_error(errc::database_rejected, r.rejected));
    return fail_job(self, "the database refused it: " + r.rejected);
  }
  tasks_released ready;
  ready.job = d.begin.job;
  ready.settled = then.settled;
  if (!then.released.inserts.empty()) d.steps->inserted(then.released.inserts, r.inserted);
  ready.tasks = std::move(then.released.known);
  for (auto& [insert, a] : then.released.from_inserts) {
    a.id = r.inserted.at(insert);
    ready.tasks.push_back(std::move(a));
  }
  for (arrival& a : ready.tasks) a.job = d.begin.job;
  if (r.ended) {
    d.now = phase::over;
    d.context->log->debug("cascade.job.ended job={} status={}", d.begin.job.value,
                          to_string(*r.ended));
    self->send(d.links.scheduler, std::move(ready));
    self->send(d.links.scheduler, job_ended{d.begin.job, d.obeyed});
    return self->quit();
  }
  if (ready.settled > 0 || !ready.tasks.empty()) self->send(d.links.scheduler, std::move(ready));
  for (const task_id id : then.stopped) self->send(d.links.scheduler, forget_task{id, d.begin.job});
  if (then.rest) {
    d.now = phase::running;
    settlement s;
    after_record next;
    carry(self, std::move(*then.rest), s, next);
    if (s.rows() > 0 || d.end) submit(self, std::move(s), std::move(next));
    if (!d.early.empty()) settle(self, std::exchange(d.early, {}));
  }
  if (then.ends && d.end)
    arm_retry(self);  // open transactions or unfinished tasks of others: later
}

void begin_graph(job_self self, std::vector<job_loaded::row>&& rows) {
  auto& d = self->state;
  auto input = nlohmann::json::parse(d.row.input, nullptr, false);
  d.graph = std::make_unique<job_graph>(d.plan, std::move(input), job_info{d.begin.job});
  d.steps =
      std::make_unique<job_steps>(d.plan, step_defaults{d.row.priority, d.context->settings.tags});
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
    d.steps->remember(*step, r.item, r.id);
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
              l.rows.push_back(std::move(row));
            }
            l.with_rows = true;
          }
        }
        caf::anon_send(to, std::move(l));
      });
}

void ready(job_self self) {
  auto& d = self->state;
  self->send(d.links.scheduler,
             job_attached{d.begin.job, !d.plan, d.row.state == job_state::paused});
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

void cancel_job(job_self self, settlement& s) {
  auto& d = self->state;
  self->send(d.links.scheduler, forget_job_tasks{d.begin.job});
  s.singles.push_back(
      {single_write::kind::cancel_job_tasks, d.begin.job.value, 0, "its job was cancelled"});
  d.graph.reset();
  d.now = phase::ending;
  d.end = job_end{job_state::cancelled, {}, "cancelled by a command"};
}

void cancel_step(job_self self, task_id id, settlement& s, after_record& then) {
  auto& d = self->state;
  s.unrun.push_back({id, task_state::cancelled, "cancelled by a command", {}});
  then.stopped.push_back(id);
  if (!d.graph) return;
  if (const auto at = d.steps->find(id))
    carry(self,
          d.graph->settled(at->first, at->second, task_state::cancelled, {},
                           "cancelled by a command"),
          s, then);
}

void obey(job_self self, command_arrival&& c) {
  auto& d = self->state;
  if (d.now == phase::loading || d.now == phase::inserting || d.end_in_flight)
    return d.early_commands.push_back(std::move(c));
  if (c.kind != "set_job_priority") ++d.obeyed;
  settlement s;
  after_record then;
  if (c.kind == "cancel_job") {
    cancel_job(self, s);
  } else if (c.kind == "close_job") {
    d.row.keep_open = false;
    s.singles.push_back({single_write::kind::close_job, d.begin.job.value, 0, {}});
    if (!d.plan) d.end = job_end{};
  } else if (c.kind == "cancel_task") {
    cancel_step(self, c.task, s, then);
  } else if (c.kind == "retry_task" && d.graph) {
    if (const auto at = d.steps->find(c.task)) {
      d.end.reset();
      carry(self, d.graph->redrive(at->first, at->second), s, then);
    }
  } else if (c.kind == "retry_job" && d.graph) {
    d.end.reset();
    carry(self, d.graph->redrive(), s, then);
  } else if (c.kind == "set_job_priority") {
    const auto argument = nlohmann::json::parse(c.argument, nullptr, false);
    if (d.steps && argument.is_object())
      d.steps->set_priority(argument.value("priority", d.row.priority));
    return;  // the scheduler records the command
  }
  s.commands.push_back({c.id, "applied"});
  submit(self, std::move(s), std::move(then));
}

// Commands that came while the graph was not there yet, or while the job was about to end.
void idle_commands(job_self self) {
  auto& d = self->state;
  if (d.early_commands.empty() || d.now == phase::loading || d.now == phase::inserting ||
      d.now == phase::over || d.end_in_flight)
    return;
  guarded(self, [&] {
    for (auto& c : std::exchange(d.early_commands, {})) obey(self, std::move(c));
  });
}

void idle(job_self self) {
  auto& d = self->state;
  if (!d.plan && d.now == phase::running && !d.row.keep_open && !d.end) d.end = job_end{};
  try_end(self);
}

description describe_job(const job_data& d) {
  static constexpr const char* names[] = {"loading", "inserting", "running", "ending", "over"};
  description out;
  out.state = names[static_cast<int>(d.now)];
  nlohmann::json detail{
      {"job", d.begin.job.value}, {"workflow", d.row.workflow}, {"version", d.row.version}};
  if (d.graph) detail["active_steps"] = d.graph->active_count();
  detail["end_decided"] = d.end.has_value();
  out.detail = detail.dump();
  return out;
}

}  // namespace

job_actor spawn_job(caf::actor_system& system, engine_context_ptr its_context, job_links its_links,
                    job_start its_start) {
  return system.spawn(
      [](job_self self, engine_context_ptr context, job_links links,
         job_start start) -> job_impl::behavior_type {
        auto& d = self->state;
        d.context = context;
        d.links = links;
        d.begin = start;
        if (start.arrival)
          begin(self, job_arrival(*start.arrival));
        else
          read_rows(self);
        return {
            [self](const recorded& r) {
              guarded(self, [&] { on_recorded(self, r); });
              idle_commands(self);
            },
            [self](steps_settled& s) {
              guarded(self, [&] { settle(self, std::move(s.attempts)); });
            },
            [self](const job_idle&) { guarded(self, [&] { idle(self); }); },
            [self](job_command& c) { guarded(self, [&] { obey(self, std::move(c.command)); }); },
            [self](const describe&) { return describe_job(self->state); },
            [self](job_loaded& l) {
              loaded(self, l);
              idle_commands(self);
            },
            [self](const job_retry& r) {
              auto& state = self->state;
              if (r.generation != state.retry) return;
              if (state.now != phase::loading) return try_end(self);
              if (state.row.id)
                get_plan(self);
              else
                read_rows(self);
            },
        };
      },
      std::move(its_context), std::move(its_links), std::move(its_start));
}

}  // namespace cascade
