-- $1 workflow text, $2 input jsonb, $3 priority int, $4 idempotency_key or null, $5 concurrency int or null, $6 tenant or null -> id.
select to_json(cascade.start_job($1, $2, $3, idempotency_key => $4, concurrency => $5, tenant => $6))
