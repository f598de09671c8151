-- $1 id.
select row_to_json(j) from cascade.jobs j where j.id = $1
