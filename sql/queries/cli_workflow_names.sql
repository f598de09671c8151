-- Names only, for suggestions.
select to_json(w.name) from cascade.workflows w where w.newest order by w.name limit 1000
