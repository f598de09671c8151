-- $1 jobs, $2 priorities. Their tasks: reprioritize_tasks.
update cascade.job j set priority = u.priority
from unnest($1::bigint[], $2::smallint[]) u(id, priority)
where j.id = any ($1::bigint[]) and j.id = u.id and j.priority <> u.priority
