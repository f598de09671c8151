-- $1 name, $2 how many or null -> id of the command.
select to_json(cascade.limit_workflow($1, $2))
