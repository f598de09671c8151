-- Second half: the tasks that stood for themselves go into the counters, and the point to which all are counted moves up.
with point as (
  select p.counted_to from cascade.counter_point p where current_setting('cascade.counting') = 'true'),
moved as (
  update cascade.counter_point p set counted_to = pg_current_snapshot() where exists (select from point))
insert into cascade.counter_delta (job_id, queue, status, n)
select a.job_id, a.queue, a.status, count(*) from (
  select t.job_id, t.queue, t.status, t.xid from cascade.engine_task t
  where t.status <= 'pending' and t.xid >= (select pg_snapshot_xmax(p.counted_to) from point p)
  union all
  select t.job_id, t.queue, t.status, t.xid from cascade.engine_task t
  where t.status <= 'pending' and t.xid = any (array(select pg_snapshot_xip(p.counted_to) from point p))) a
where pg_visible_in_snapshot(a.xid, pg_current_snapshot())
group by 1, 2, 3
