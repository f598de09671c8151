-- $1 id -> id of the command.
select to_json(cascade.retry_job($1))
