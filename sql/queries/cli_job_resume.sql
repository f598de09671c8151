-- $1 id -> id of the command.
select to_json(cascade.resume_job($1))
