-- The newest version of each workflow.
select row_to_json(x)
from (
  select w.name, w.version, jsonb_array_length(coalesce(w.definition->'steps', '[]')) as steps,
    w.definition->>'description' as description, w.created_at
  from cascade.workflows w
  where w.newest
  order by w.name
) x
