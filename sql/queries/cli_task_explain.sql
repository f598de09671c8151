-- $1 id -> why it is not running: for programs, and in lines for people.
select json_build_object('why', cascade.why_task($1), 'lines', cascade.explain_task($1))
