#include "actors/batch.hpp"

#include "sql/queries.hpp"

namespace cascade {
namespace {

// All rows of one member over all settlements, as one range for the parameter builder.
template <class Row>
std::vector<const Row*> gather(std::span<const settlement> all,
                               std::vector<Row> settlement::*member) {
  std::vector<const Row*> out;
  for (const settlement& s : all)
    for (const Row& r : s.*member) out.push_back(&r);
  return out;
}

std::optional<std::string_view> or_null(const std::string& s) {
  return s.empty() ? std::nullopt : std::optional<std::string_view>(s);
}

// How long a step waits, or until when; null: it does not.
std::optional<std::int64_t> wait_us(const step_wait& w) {
  if (w.until || !w) return std::nullopt;
  return std::chrono::microseconds(w.time).count();
}
std::optional<std::int64_t> until_us(const step_wait& w) {
  return w.until ? std::optional(us_of(*w.until)) : std::nullopt;
}

class builder {
public:
  builder(std::span<const settlement> all, const batch_options& options, built_batch& out)
      : all_(all), options_(options), out_(out) {}

  void build() {
    add(sql::fence, pg::params{}
                        .int8(options_.epoch.value)
                        .int2(static_cast<std::int16_t>(options_.writer))
                        .int8(options_.number));
    starts();
    for (std::size_t i = 0; i < all_.size(); ++i)
      if (!all_[i].inserts.empty()) insert(i);
    running();
    progress();
    completions();
    back_offs();
    releases();
    holds();
    unrun();
    for (const settlement& s : all_)
      for (const single_write& w : s.singles) single(w);
    priorities();
    ends();
    commands();
    if (options_.count_arrivals) {
      out_.counts_at = out_.statements.size();
      add(sql::lock_counters, {});
      add(sql::count_arrivals, {});
    }
    if (options_.fold_counters) add(sql::fold_counters, {});
  }

private:
  void add(const sql::query& q, pg::params p) { out_.statements.emplace_back(q, std::move(p)); }

  std::int64_t age(monotonic at) const {
    return std::max<std::int64_t>(
        0, std::chrono::duration_cast<std::chrono::microseconds>(options_.now - at).count());
  }

  void starts() {
    std::vector<std::int64_t> ids;
    for (const settlement& s : all_)
      if (s.start) ids.push_back(s.job.value);
    if (!ids.empty()) add(sql::start_jobs, pg::params{}.int8s(ids));
  }

  void insert(std::size_t i) {
    const auto& rows = all_[i].inserts;
    // Items of one fan-out share all but item and payload.
    std::vector<const new_step_task*> steps;
    std::vector<std::int32_t> step_of;
    for (const new_step_task& t : rows) {
      if (steps.empty() || steps.back()->step != t.step) steps.push_back(&t);
      step_of.push_back(static_cast<std::int32_t>(steps.size()));
    }
    const auto unless_zero = [](std::int64_t ms) {
      return ms == 0 ? std::nullopt : std::optional(ms);
    };
    pg::params p;
    p.int8(all_[i].job.value)
        .texts(steps, [](auto* t) { return std::string_view(t->step); })
        .texts(steps, [](auto* t) { return std::string_view(t->handler); })
        .texts(steps, [](auto* t) { return std::string_view(t->queue); })
        .int2s(steps, [](auto* t) { return static_cast<std::int16_t>(t->priority); })
        .int2s(steps, [](auto* t) { return static_cast<std::int16_t>(t->attempts_max); })
        .int8s(steps, [&](auto* t) { return unless_zero(t->timeout_ms); })
        .int8s(steps, [&](auto* t) { return unless_zero(t->start_within_ms); })
        .int8s(steps, [](auto* t) { return wait_us(t->wait); })
        .int8s(steps, [](auto* t) { return until_us(t->wait); })
        .texts(steps, [](auto* t) { return or_null(t->retry); })
        .texts(steps, [](auto* t) { return or_null(t->command); })
        .texts(steps, [](auto* t) { return or_null(t->requires_tags); })
        .int4s(step_of)
        .int4s(rows,
               [](const new_step_task& t) {
                 return t.item < 0 ? std::nullopt : std::optional(t.item);
               })
        .texts(rows, [](const new_step_task& t) {
          return t.payload ? std::optional<std::string_view>(*t.payload) : std::nullopt;
        });
    out_.inserts.emplace_back(i, out_.statements.size());
    add(sql::insert_step_tasks, std::move(p));
  }

  void running() {
    const auto rows = gather(all_, &settlement::started);
    if (rows.empty()) return;
    add(sql::mark_running,
        pg::params{}
            .int8s(rows, [](auto* r) { return r->id.value; })
            .int2s(rows, [](auto* r) { return static_cast<std::int16_t>(r->attempt); })
            .int8s(rows, [this](auto* r) { return age(r->started); })
            .int8(options_.epoch.value)
            .int8(options_.sent_us));
  }

  void progress() {
    const auto rows = gather(all_, &settlement::progress);
    if (rows.empty()) return;
    add(sql::write_progress,
        pg::params{}
            .int8s(rows, [](auto* r) { return r->id.value; })
            .int2s(rows, [](auto* r) { return static_cast<std::int16_t>(r->attempt); })
            .int2s(rows,
                   [](auto* r) {
                     return r->percent < 0 ? std::nullopt
                                           : std::optional(static_cast<std::int16_t>(r->percent));
                   })
            .texts(rows, [](auto* r) { return or_null(r->text); }));
  }

  void completions() {
    std::vector<const completed_attempt*> plain, full;
    for (const settlement& s : all_)
      for (const completed_attempt& c : s.completed)
        (c.state == task_state::completed && c.result.empty() ? plain : full).push_back(&c);
    const auto id = [](auto* r) { return r->id.value; };
    const auto attempt = [](auto* r) { return static_cast<std::int16_t>(r->attempt); };
    const auto started = [this](auto* r) { return age(r->started); };
    const auto finished = [this](auto* r) { return age(r->finished); };
    if (!plain.empty())
      add(sql::complete_plain, pg::params{}
                                   .int8s(plain, id)
                                   .int2s(plain, attempt)
                                   .int8s(plain, started)
                                   .int8s(plain, finished)
                                   .int8(options_.epoch.value)
                                   .int8(options_.sent_us));
    if (!full.empty())
      add(sql::complete_tasks, pg::params{}
                                   .int8s(full, id)
                                   .int2s(full, attempt)
                                   .texts(full, [](auto* r) { return to_string(r->state); })
                                   .int8s(full, started)
                                   .int8s(full, finished)
                                   .texts(full, [](auto* r) { return or_null(r->result); })
                                   .texts(full, [](auto* r) { return or_null(r->error); })
                                   .int8(options_.epoch.value)
                                   .int8(options_.sent_us));
  }

  void back_offs() {
    const auto rows = gather(all_, &settlement::backed_off);
    if (rows.empty()) return;
    add(sql::back_off,
        pg::params{}
            .int8s(rows, [](auto* r) { return r->id.value; })
            .int2s(rows, [](auto* r) { return static_cast<std::int16_t>(r->attempt); })
            .int8s(rows, [](auto* r) { return us_of(r->run_at); })
            .texts(rows, [](auto* r) { return or_null(r->error); })
            .int8s(rows, [this](auto* r) { return age(r->started); })
            .int8s(rows, [this](auto* r) { return age(r->finished); })
            .int8(options_.epoch.value)
            .booleans(rows, [](auto* r) { return r->snoozed; })
            .booleans(rows, [](auto* r) { return r->forgotten; })
            .int8(options_.sent_us));
  }

  void releases() {
    const auto rows = gather(all_, &settlement::released);
    if (rows.empty()) return;
    add(sql::release_tasks,
        pg::params{}
            .int8s(rows, [](auto* r) { return r->id.value; })
            .texts(rows,
                   [](auto* r) {
                     return r->payload ? std::optional<std::string_view>(*r->payload)
                                       : std::nullopt;
                   })
            .int4s(rows,
                   [](auto* r) { return r->item < 0 ? std::nullopt : std::optional(r->item); })
            .int8s(rows, [](auto* r) { return wait_us(r->wait); })
            .int8s(rows, [](auto* r) { return until_us(r->wait); }));
  }

  void holds() {
    const auto rows = gather(all_, &settlement::held);
    if (rows.empty()) return;
    add(sql::hold_tasks,
        pg::params{}.int8s(rows, [](auto* r) { return r->id.value; }).texts(rows, [](auto* r) {
          return to_string(r->reason);
        }));
  }

  void unrun() {
    const auto rows = gather(all_, &settlement::unrun);
    if (rows.empty()) return;
    add(sql::settle_unrun, pg::params{}
                               .int8s(rows, [](auto* r) { return r->id.value; })
                               .texts(rows, [](auto* r) { return to_string(r->state); })
                               .texts(rows, [](auto* r) { return or_null(r->error); })
                               .texts(rows, [](auto* r) { return or_null(r->result); }));
  }

  void single(const single_write& w) {
    using kind = single_write::kind;
    const std::array one{w.id};
    switch (w.what) {
      case kind::cancel_job_tasks:
        return add(sql::cancel_job_tasks, pg::params{}.int8(w.id).text(w.text));
      case kind::set_job_status:
        return add(sql::set_job_status, pg::params{}.int8(w.id).text(w.text));
      case kind::close_job:
        return add(sql::close_job, pg::params{}.int8(w.id));
      case kind::change_task:
      case kind::change_absent_task:
        return add(sql::change_task, pg::params{}
                                         .int8(w.id)
                                         .jsonb(w.text)
                                         .boolean(w.what == kind::change_task)
                                         .int8(w.number));
      case kind::limit_job:
        return add(sql::limit_job,
                   pg::params{}.int8(w.id).int4(static_cast<std::int32_t>(w.number)));
      case kind::redrive_task:
        return add(sql::redrive_tasks, pg::params{}.int8s(one));
      case kind::redrive_step:
        return add(sql::redrive_steps, pg::params{}.int8s(one));
      case kind::log_attempt:
        return add(sql::log_attempts, pg::params{}.int8s(one));
      case kind::reopen_job:
        return add(sql::reopen_job, pg::params{}.int8(w.id));
    }
  }

  void priorities() {
    const auto priority = [](auto* r) { return static_cast<std::int16_t>(r->priority); };
    const auto jobs = gather(all_, &settlement::job_priorities);
    if (!jobs.empty())
      add(sql::reprioritize_jobs,
          pg::params{}.int8s(jobs, [](auto* r) { return r->job.value; }).int2s(jobs, priority));
    const auto tasks = gather(all_, &settlement::task_priorities);
    const auto changes = gather(all_, &settlement::applied_changes);
    if (tasks.empty() && changes.empty()) return;
    out_.priorities_at = out_.statements.size();
    add(sql::reprioritize_tasks, pg::params{}
                                     .int8s(tasks, [](auto* r) { return r->task.value; })
                                     .int2s(tasks, priority)
                                     .int8s(changes, [](auto* r) { return r->id; })
                                     .int8s(changes, [](auto* r) {
                                       return r->task ? std::optional(r->task.value) : std::nullopt;
                                     }));
  }

  void ends() {
    std::vector<const settlement*> ending;
    for (const settlement& s : all_)
      if (s.end) ending.push_back(&s);
    if (ending.empty()) return;
    const auto id = [](auto* s) { return s->job.value; };
    add(sql::lock_jobs, pg::params{}.int8s(ending, id));
    out_.ends_at = out_.statements.size();
    add(sql::finish_jobs,
        pg::params{}
            .int8s(ending, id)
            .texts(ending,
                   [](auto* s) {
                     return s->end->state ? std::optional(to_string(*s->end->state)) : std::nullopt;
                   })
            .texts(ending, [](auto* s) { return or_null(s->end->result); })
            .texts(ending, [](auto* s) { return or_null(s->end->error); })
            .booleans(ending, [](auto* s) { return s->end->closed; }));
  }

  void commands() {
    const auto rows = gather(all_, &settlement::commands);
    if (rows.empty()) return;
    add(sql::apply_commands,
        pg::params{}.int8s(rows, [](auto* r) { return r->id.value; }).texts(rows, [](auto* r) {
          return std::string_view(r->outcome);
        }));
  }

  std::span<const settlement> all_;
  const batch_options& options_;
  built_batch& out_;
};

}  // namespace

built_batch build_batch(std::span<const settlement> settlements, const batch_options& options) {
  built_batch out;
  builder(settlements, options, out).build();
  out.shapes.reserve(settlements.size());
  for (const settlement& s : settlements)
    out.shapes.push_back({s.ticket, s.rows(), s.inserts.size(), s.end ? s.job : job_id{},
                          !s.task_priorities.empty() || !s.applied_changes.empty()});
  return out;
}

}  // namespace cascade
