-- $1 name.
select row_to_json(s) from cascade.schedules s where s.name = $1
