select to_json(s.name) from cascade.schedules s order by s.name
