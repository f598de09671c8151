-- $1 handler, $2 payload, $3 job or null, $4 queue, $5 priority, $6 run_at text or null, $7 delay in ms or null,
-- $8 max_attempts, $9 timeout in ms or null, $10 unique_key, $11 concurrency_key, $12 requires, $13 unique_for in ms or null,
-- $14 unique_states, $15 on_conflict, $16 found_by or null, $17 tenant or null -> {"id", "new"}.
select json_build_object('id', x.id, 'new', cascade.is_new_task(x.id))
from (select cascade.add_task($1, $2, $3, $4, $5,
  coalesce($6::timestamptz, now() + make_interval(secs => coalesce($7, 0) / 1000.0)),
  $8, make_interval(secs => $9 / 1000.0), $10, $11, $12,
  unique_for => make_interval(secs => $13 / 1000.0), unique_states => $14::text[]::cascade.task_status[], on_conflict => $15,
  found_by => $16, tenant => $17) as id offset 0) x
