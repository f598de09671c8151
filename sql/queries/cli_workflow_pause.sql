-- $1 name -> id of the command.
select to_json(cascade.pause_workflow($1))
