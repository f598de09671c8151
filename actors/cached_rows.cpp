#include "actors/cached_rows.hpp"

namespace cascade {
namespace {

void set(task_info& t, task_state state, std::optional<waiting_reason> reason = std::nullopt) {
  t.state = state;
  t.reason = reason;
}

// What each row of a settlement makes of an unfinished task: sql/queries says the same.
void apply(task_info& t, const started_attempt& r) {
  set(t, task_state::running);
  t.attempt = r.attempt;
}
void apply(task_info& t, const completed_attempt& r) {
  set(t, r.state);
  t.attempt = r.attempt;
}
void apply(task_info& t, const backed_off_attempt& r) {
  set(t, task_state::waiting, r.snoozed ? waiting_reason::delay : waiting_reason::retry_backoff);
  t.attempt = r.snoozed ? r.attempt - 1 : r.attempt;
}
void apply(task_info& t, const released_task& r) {
  if (!t.reason) return;
  if (r.wait)
    set(t, task_state::waiting, waiting_reason::delay);
  else
    set(t, task_state::pending);
}
void apply(task_info& t, const held_task& r) {
  if (t.state < task_state::running) set(t, task_state::waiting, r.reason);
}

class writer {
public:
  writer(task_cache& tasks, job_cache& jobs, const batch_committed& batch)
      : tasks_(tasks), jobs_(jobs), batch_(batch) {}

  // In the order of the batch's statements: actors/batch.hpp. What is inserted nobody has asked for;
  // progress and commands are not kept.
  void write() {
    [[maybe_unused]] const auto complete = [](const settlement& s) {
      [[maybe_unused]] const auto& [ticket, job, start, loose, inserts, started, progress,
                                    completed, backed_off, released, held, unrun, singles,
                                    job_priorities, task_priorities, applied_changes, end,
                                    commands] = s;
    };
    for (const auto& s : batch_.settlements)
      if (s.what.start)
        set_job(s.what.job, [](job_info& j) {
          if (j.state == job_state::pending) j.state = job_state::running;
        });
    each(&settlement::started);
    each(&settlement::completed);
    each(&settlement::backed_off);
    each(&settlement::released);
    each(&settlement::held);
    for (const auto& s : batch_.settlements) {
      for (const unrun_task& r : s.what.unrun) tasks_.forget(r.id);
      for (const single_write& w : s.what.singles) single(w);
      for (const job_priority& r : s.what.job_priorities)
        set_job(r.job, [&](job_info& j) { j.priority = r.priority; });
      // Not of one whose row somebody was changing.
      for (const task_priority& r : s.what.task_priorities) tasks_.forget(r.task);
    }
    for (const auto& s : batch_.settlements)
      if (s.ended) set_job(s.what.job, [&](job_info& j) { j.state = *s.ended; });
  }

private:
  template <class F>
  void set_job(job_id id, F change) {
    jobs_.write(id, batch_.number, change);
  }
  template <class Row>
  void each(std::vector<Row> settlement::*member) {
    for (const auto& s : batch_.settlements)
      for (const Row& r : s.what.*member)
        if (s.what.loose)
          tasks_.forget(r.id);
        else
          tasks_.write(r.id, batch_.number, [&](task_info& t) {
            if (!is_finished(t.state)) apply(t, r);
          });
  }
  void forget_tasks_of(job_id job) {
    tasks_.forget_if([job](const task_info& t) { return t.job == job; });
  }

  void single(const single_write& w) {
    using kind = single_write::kind;
    const task_id task{w.id};
    const job_id job{w.id};
    switch (w.what) {
      case kind::cancel_job_tasks:
        return forget_tasks_of(job);
      case kind::set_job_status:
        return set_job(job, [&](job_info& j) {
          if (j.state <= job_state::paused) j.state = parse_job_state(w.text).value_or(j.state);
        });
      case kind::close_job:
        return set_job(job, [](job_info& j) { j.keep_open = false; });
      case kind::change_task:
      case kind::change_absent_task:
      case kind::redrive_task:
      case kind::redrive_step:
        return tasks_.forget(task);
      case kind::log_attempt:
      case kind::limit_job:
        return;
      case kind::reopen_job:
        return set_job(job, [](job_info& j) {
          if (j.state == job_state::failed || j.state == job_state::cancelled)
            j.state = job_state::running;
        });
    }
  }

  task_cache& tasks_;
  job_cache& jobs_;
  const batch_committed& batch_;
};

}  // namespace

void write_through(task_cache& tasks, job_cache& jobs, const batch_committed& batch) {
  writer(tasks, jobs, batch).write();
}

}  // namespace cascade
