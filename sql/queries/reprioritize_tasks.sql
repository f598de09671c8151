-- $1 tasks, $2 priorities; $3 changes that are done with it and go, $4 the task that each of them is about (null: none of
-- these). Waits for nobody: a row that somebody else is changing (it ends, most likely) is left out together with its
-- changes. Returns how many were written, and which were left out.
with wanted as materialized (
  select t.id, u.priority from unnest($1::bigint[], $2::smallint[]) u(id, priority), cascade.task_unfinished t
  where t.id = any ($1::bigint[]) and t.id = u.id and t.priority <> u.priority),
free as materialized (select unnest(cascade.lock_unfinished(array(select w.id from wanted w))) as id),
busy as materialized (select w.id from wanted w where w.id not in (select f.id from free f)),
changed as (
  update cascade.task_unfinished t set priority = w.priority from wanted w
  where t.id = any (array(select f.id from free f)) and t.id = w.id returning 1),
done as (
  delete from cascade.priority_change c using unnest($3::bigint[], $4::bigint[]) u(id, task_id)
  where c.id = any ($3::bigint[]) and c.id = u.id and coalesce(u.task_id, 0) not in (select b.id from busy b))
select (select count(*) from changed), array_to_string(array(select b.id from busy b), ' ')
