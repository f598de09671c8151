-- $1 id.
select row_to_json(t) from cascade.tasks t where t.id = $1
