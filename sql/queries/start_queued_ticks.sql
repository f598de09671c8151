-- What the end of a job left to be started; how many schedules were locked, so that it must be done again.
select cascade.start_queued_ticks()
