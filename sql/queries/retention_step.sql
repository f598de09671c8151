-- $1 days to keep, 0: all. What to do next: cascade.retention_step.
select cascade.retention_step($1)
