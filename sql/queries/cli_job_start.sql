-- $1 workflow text, $2 input jsonb, $3 priority int, $4 idempotency_key or null, $5 concurrency int or null, $6 tenant or null -> {"id", "new"}.
select json_build_object('id', x.id, 'new', cascade.is_new_job(x.id))
from (select cascade.start_job($1, $2, $3, idempotency_key => $4, concurrency => $5, tenant => $6) as id offset 0) x
