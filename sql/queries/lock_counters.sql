-- First half of counting arrivals: no other transaction has changed a counted task and not ended. Whether that is so, which
-- is remembered for the second half.
select set_config('cascade.counting', pg_try_advisory_xact_lock(727005, 0)::text, true) = 'true'
