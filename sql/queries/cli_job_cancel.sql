-- $1 id -> id of the command.
select to_json(cascade.cancel_job($1))
