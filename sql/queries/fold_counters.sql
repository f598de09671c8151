-- Moves the appended deltas into the totals. Readers add what is not folded, so they see the same numbers all the time. What
-- is not of a queue was appended by a repair, or by retention.
with moved as (delete from cascade.counter_delta returning job_id, queue, workflow, status, n),
jobs as (
  insert into cascade.job_counter as c (job_id, waiting, pending, running, completed, failed, cancelled, skipped, quarantined)
  select m.job_id, coalesce(sum(m.n) filter (where m.status = 'waiting'), 0),
    coalesce(sum(m.n) filter (where m.status = 'pending'), 0), coalesce(sum(m.n) filter (where m.status = 'running'), 0),
    coalesce(sum(m.n) filter (where m.status = 'completed'), 0), coalesce(sum(m.n) filter (where m.status = 'failed'), 0),
    coalesce(sum(m.n) filter (where m.status = 'cancelled'), 0), coalesce(sum(m.n) filter (where m.status = 'skipped'), 0),
    coalesce(sum(m.n) filter (where m.status = 'quarantined'), 0)
  from moved m where m.job_id is not null group by m.job_id
  on conflict (job_id) do update set waiting = c.waiting + excluded.waiting, pending = c.pending + excluded.pending,
    running = c.running + excluded.running, completed = c.completed + excluded.completed,
    failed = c.failed + excluded.failed, cancelled = c.cancelled + excluded.cancelled,
    skipped = c.skipped + excluded.skipped, quarantined = c.quarantined + excluded.quarantined),
workflows as (
  insert into cascade.workflow_counter as c
    (workflow, waiting, pending, running, completed, failed, cancelled, skipped, quarantined)
  select m.workflow, coalesce(sum(m.n) filter (where m.status = 'waiting'), 0),
    coalesce(sum(m.n) filter (where m.status = 'pending'), 0), coalesce(sum(m.n) filter (where m.status = 'running'), 0),
    coalesce(sum(m.n) filter (where m.status = 'completed'), 0), coalesce(sum(m.n) filter (where m.status = 'failed'), 0),
    coalesce(sum(m.n) filter (where m.status = 'cancelled'), 0), coalesce(sum(m.n) filter (where m.status = 'skipped'), 0),
    coalesce(sum(m.n) filter (where m.status = 'quarantined'), 0)
  from (
    select m.workflow, m.status, m.n from moved m where m.workflow is not null
    union all
    select (select j.workflow from cascade.job j where j.id = m.job_id), m.status, sum(m.n)
    from moved m where m.job_id is not null and m.queue is not null group by m.job_id, m.status) m
  where m.workflow is not null group by m.workflow
  on conflict (workflow) do update set waiting = c.waiting + excluded.waiting, pending = c.pending + excluded.pending,
    running = c.running + excluded.running, completed = c.completed + excluded.completed,
    failed = c.failed + excluded.failed, cancelled = c.cancelled + excluded.cancelled,
    skipped = c.skipped + excluded.skipped, quarantined = c.quarantined + excluded.quarantined)
insert into cascade.queue_counter as c (queue, waiting, pending, running, completed, failed, cancelled, skipped, quarantined)
select m.queue, coalesce(sum(m.n) filter (where m.status = 'waiting'), 0),
  coalesce(sum(m.n) filter (where m.status = 'pending'), 0), coalesce(sum(m.n) filter (where m.status = 'running'), 0),
  coalesce(sum(m.n) filter (where m.status = 'completed'), 0), coalesce(sum(m.n) filter (where m.status = 'failed'), 0),
  coalesce(sum(m.n) filter (where m.status = 'cancelled'), 0), coalesce(sum(m.n) filter (where m.status = 'skipped'), 0),
  coalesce(sum(m.n) filter (where m.status = 'quarantined'), 0)
from moved m where m.queue is not null group by m.queue
on conflict (queue) do update set waiting = c.waiting + excluded.waiting, pending = c.pending + excluded.pending,
  running = c.running + excluded.running, completed = c.completed + excluded.completed, failed = c.failed + excluded.failed,
  cancelled = c.cancelled + excluded.cancelled, skipped = c.skipped + excluded.skipped,
  quarantined = c.quarantined + excluded.quarantined
