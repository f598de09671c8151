-- $1 name text, $2 version int or null for the newest.
select row_to_json(x)
from (
  select w.name, w.version, w.newest, w.created_at, w.definition
  from cascade.workflows w
  where w.name = $1
    and case when $2::int is null then w.newest else w.version = $2 end
) x
