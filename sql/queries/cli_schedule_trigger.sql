-- $1 name.
select row_to_json(t) from cascade.trigger_schedule($1) t
