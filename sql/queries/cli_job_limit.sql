-- $1 job, $2 how many or null -> id of the command.
select to_json(cascade.limit_job($1, $2))
