-- $1 handler, $2 payload, $3 job or null, $4 queue, $5 priority, $6 run_at text or null, $7 delay in ms or null,
-- $8 max_attempts, $9 timeout in ms or null, $10 unique_key, $11 concurrency_key, $12 requires -> id.
select to_json(cascade.add_task($1, $2, $3, $4, $5,
  coalesce($6::timestamptz, now() + make_interval(secs => coalesce($7, 0) / 1000.0)),
  $8, make_interval(secs => $9 / 1000.0), $10, $11, $12))
