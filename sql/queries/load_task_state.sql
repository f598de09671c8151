-- $1 task, $2 epoch: what the cache keeps of it, after the last batch of the first writer that this snapshot sees.
select coalesce((select w.batch from cascade.writer w where w.epoch = $2::bigint and w.writer = 0 order by w.batch desc limit 1), 0), t.job_id, t.status::text,
  t.waiting_reason::text, t.priority, t.attempt, t.max_attempts, t.queue, t.handler, t.step
from cascade.task t where t.id = $1
