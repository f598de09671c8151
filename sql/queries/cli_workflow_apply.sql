-- $1 names text[], $2 definitions jsonb[] -> one row a workflow: name, version, created. All in one transaction.
select row_to_json(x)
from (
  select w.name, a.version, a.version is distinct from newest.version as created
  from unnest($1, $2) with ordinality as w (name, definition, n)
  left join lateral (
    select max(v.version) as version from cascade.workflow v where v.name = w.name) newest on true
  cross join lateral cascade.apply_workflow(w.name, w.definition) as a (version)
  order by w.n
) x
