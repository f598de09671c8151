-- $1 ids, $2 outcomes.
update cascade.command c set applied_at = statement_timestamp(), outcome = u.outcome
from unnest($1::bigint[], $2::text[]) u(id, outcome)
where c.id = any ($1::bigint[]) and c.id = u.id
