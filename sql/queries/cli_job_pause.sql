-- $1 id -> id of the command.
select to_json(cascade.pause_job($1))
