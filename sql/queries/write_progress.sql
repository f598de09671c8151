-- What running tasks say about themselves: $1 ids, $2 attempts, $3 per cent and $4 texts (null: as before). The last one counts.
update cascade.task t
set progress = coalesce(u.percent, t.progress), progress_text = coalesce(u.text, t.progress_text)
from (select distinct on (r.id) r.id, r.attempt, r.percent, r.text
      from unnest($1::bigint[], $2::smallint[], $3::smallint[], $4::text[]) with ordinality r(id, attempt, percent, text, position)
      order by r.id, r.position desc) u
where t.id = any ($1::bigint[]) and t.id = u.id and t.finished_on is null and t.status = 'running' and t.attempt = u.attempt
