-- $1 queue, $2 which limit, $3 how much or null, $4 in how many seconds, $5 burst or null, $6 strategy or null -> id of the command.
select to_json(case $2
  when 'rate' then cascade.limit_queue($1, $3, make_interval(secs => $4), $5)
  when 'key_rate' then cascade.limit_keys($1, $3, make_interval(secs => $4), $5)
  when 'concurrency' then cascade.limit_concurrency($1, $3::int)
  when 'key_concurrency' then cascade.limit_key_concurrency($1, $3::int, $6)
  when 'depth' then cascade.limit_depth($1, $3::int) end)
