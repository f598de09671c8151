-- $1 name -> whether that changed it.
select to_json(cascade.pause_schedule($1))
