-- $1 id -> id of the command.
select to_json(cascade.retry_task($1))
