-- $1 task, $2 priority.
update cascade.task t set priority = $2::smallint where t.id = $1 and t.finished_on is null and t.priority <> $2::smallint
