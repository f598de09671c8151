-- $1 id, $2 priority -> id of the change.
select to_json(cascade.set_task_priority($1, $2))
