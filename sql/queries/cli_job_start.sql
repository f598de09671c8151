-- $1 workflow text, $2 input jsonb, $3 priority int -> id.
select to_json(cascade.start_job($1, $2, $3))
