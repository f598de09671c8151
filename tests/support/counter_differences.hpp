// tests/support/counter_differences.hpp
//
// What the views say about counts and what the rows say, in one snapshot.
#pragma once

#include "sql/queries.hpp"
#include "tests/support/postgres.hpp"

namespace cascade::test {

// The lines that differ, as one text; empty when all counters are right.
inline constexpr auto counter_differences = R"(
  with stats as (
    select 'queue' as kind, s.queue as name, s.waiting, s.pending, s.running, s.completed, s.failed, s.cancelled, s.skipped,
      s.quarantined from cascade.queue_stats s
    union all
    select 'job', j.id::text, j.waiting, j.pending, j.running, j.completed, j.failed, j.cancelled, j.skipped, j.quarantined
    from cascade.jobs j
    union all
    select 'workflow', w.workflow, w.waiting, w.pending, w.running, w.completed, w.failed, w.cancelled, w.skipped,
      w.quarantined from cascade.workflow_stats w),
  shown as (
    select s.kind, s.name, v.* from stats s, lateral (values
      ('waiting', s.waiting), ('pending', s.pending), ('running', s.running), ('completed', s.completed),
      ('failed', s.failed), ('cancelled', s.cancelled), ('skipped', s.skipped), ('quarantined', s.quarantined)) v(status, n)
    where v.n <> 0),
  counted as (
    select 'queue' as kind, queue as name, status::text, count(*) as n from cascade.task group by 2, 3
    union all
    select 'job', j.id::text, t.status::text, count(*) from cascade.task t join cascade.job j on j.id = t.job_id group by 2, 3
    union all
    select 'workflow', j.workflow, t.status::text, count(*) from cascade.task t join cascade.job j on j.id = t.job_id
    where j.workflow is not null group by 2, 3),
  wrong as (
    (select 'shown', * from shown except select 'shown', * from counted) union all
    (select 'rows', * from counted except select 'rows', * from shown))
  select coalesce(string_agg(w::text, ' '), '') from wrong w)";

// What the recorder does at an idle moment; whether nobody was in the way of counting.
inline bool count_and_fold(pg::connection& c) {
  must(c.exec_text("begin"));
  const bool locked = must(c.exec(sql::lock_counters.text)).boolean(0, 0);
  must(c.exec(sql::count_arrivals.text));
  must(c.exec(sql::fold_counters.text));
  must(c.exec_text("commit"));
  return locked;
}

}  // namespace cascade::test
