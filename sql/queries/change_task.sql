-- A task that has not started is changed, as a new row for the inbox: $1 id, $2 the argument of command $4, which is told what came
-- of it: {"payload"} and {"run_at_us"}, microseconds since 1970; what is left out stays. $3 whether the owner has just taken it
-- out of its memory: of the others only those that cannot be running.
with changed as (
  update cascade.task t
  set xid = pg_current_xact_id(), payload = coalesce($2::jsonb->'payload', t.payload), run_at = coalesce(at.moment, t.run_at),
    status = case when at.moment is null then t.status when at.later then 'waiting' else 'pending' end,
    waiting_reason = case when at.moment is null then t.waiting_reason
      when at.later then case when t.attempt > 0 then 'retry_backoff' else 'delay' end::cascade.waiting_reason end,
    ready_at = case when at.moment is null then t.ready_at when not at.later then statement_timestamp() end
  from (select m.at, m.at > statement_timestamp()
        from (select cascade.instant_of(($2::jsonb->>'run_at_us')::bigint)) m(at)) at(moment, later)
  where t.id = $1 and t.finished_on is null and t.status < 'running' and t.waiting_reason is distinct from 'dependency'
    and ($3::boolean or t.waiting_reason = 'no_capable_worker'
      or t.waiting_reason in ('delay', 'retry_backoff') and t.run_at > statement_timestamp())
  returning t.id)
update cascade.command c set applied_at = statement_timestamp(),
  outcome = case when exists (select from changed) then 'applied' else 'the task has started or has finished' end
where c.id = $4
