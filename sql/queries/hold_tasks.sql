-- Ready tasks that must wait after all: $1 ids, $2 reasons.
update cascade.task t set status = 'waiting', waiting_reason = u.reason::cascade.waiting_reason
from unnest($1::bigint[], $2::text[]) u(id, reason)
where t.id = any ($1::bigint[]) and t.id = u.id and t.finished_on is null and t.status < 'running' and t.waiting_reason is distinct from u.reason::cascade.waiting_reason
