-- $1 queue, $2 tenant or null: the queue itself, $3 weight -> id of the command.
select to_json(case when $2 is null then cascade.weigh_queue($1, $3) else cascade.weigh_tenant($1, $2, $3) end)
