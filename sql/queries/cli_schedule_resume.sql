-- $1 name -> whether that changed it.
select to_json(cascade.resume_schedule($1))
