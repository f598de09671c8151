-- $1 name.
select to_json(true) from cascade.drop_schedule($1)
