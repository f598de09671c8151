-- $1 name -> id of the command.
select to_json(cascade.resume_workflow($1))
