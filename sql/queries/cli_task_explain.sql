-- $1 id -> one sentence.
select to_json(cascade.explain_task($1))
