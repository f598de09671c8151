-- $1 id: why it is not running, as JSON; null when there is no such task.
select cascade.why_link($1)::text
