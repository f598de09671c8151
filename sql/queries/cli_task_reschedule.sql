-- $1 id, $2 run_at text or null, $3 delay in ms or null -> id of the command.
select to_json(cascade.reschedule_task($1, coalesce($2::timestamptz, clock_timestamp() + make_interval(secs => $3 / 1000.0))))
