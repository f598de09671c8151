-- Ready tasks that must wait after all: $1 ids, $2 reasons.
update cascade.task t set status = 'waiting', waiting_reason = u.reason::cascade.waiting_reason
from unnest($1::bigint[], $2::text[]) u(id, reason)
where t.id = u.id and t.status::text in ('waiting', 'pending') and t.waiting_reason is distinct from u.reason::cascade.waiting_reason
