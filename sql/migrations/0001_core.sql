-- The whole schema of Cascade: words and rules are explained in sql/README.md (for users) and docs/architecture.md.
--
-- Column order follows alignment: 8-byte columns first, then 4, then 2, then variable ones.
-- Triggers are named <table>_<order>_<verb>: 1xx guard, 5xx derive, 9xx announce.
-- Wait-free rule: a trigger on task, job or command may only read, insert into an unconstrained table, take a shared
-- advisory lock by trying, or NOTIFY. It never updates a shared row, so producers cannot wait for each other. (The end of a
-- job of a schedule, which only the engine writes, tries the lock of a row.)

-- roles ---------------------------------------------------------------------------------------------------------------

do $$
declare
  r text;
begin
  foreach r in array array['cascade_owner', 'cascade_engine', 'cascade_producer', 'cascade_reader'] loop
    if not exists (select from pg_catalog.pg_roles where rolname = r) then
      begin
        execute pg_catalog.format('create role %I nologin', r);
      exception when duplicate_object or unique_violation then
        null;    -- roles belong to the whole server: another database was migrated at the same moment
      end;
    end if;
  end loop;
  foreach r in array array['cascade_owner', 'cascade_engine'] loop
    if not pg_catalog.pg_has_role(current_user, r, 'member') then
      execute pg_catalog.format('grant %I to %I', r, current_user);
    end if;
  end loop;
end $$;

alter schema cascade owner to cascade_owner;
revoke all on schema cascade from public;
grant usage on schema cascade to cascade_engine, cascade_producer, cascade_reader;
alter table cascade.migration owner to cascade_owner;
grant select on cascade.migration to cascade_engine, cascade_reader;
set local role cascade_owner;

-- states (state/task_state.hpp and state/job_state.hpp are the law; tests compare) --------------------------------------

create type cascade.task_status as enum
  ('waiting', 'pending', 'running', 'completed', 'failed', 'cancelled', 'skipped', 'quarantined');
create type cascade.waiting_reason as enum
  ('dependency', 'delay', 'retry_backoff', 'concurrency_limit', 'rate_limit', 'worker_capacity', 'no_capable_worker',
   'paused');
create type cascade.job_status as enum ('pending', 'running', 'paused', 'completed', 'failed', 'cancelled');

create table cascade.task_transition (
  from_status cascade.task_status not null,
  event text not null,
  to_status cascade.task_status not null,
  primary key (from_status, event)
);
insert into cascade.task_transition (from_status, event, to_status) values
  ('waiting', 'due', 'pending'), ('waiting', 'cancel', 'cancelled'), ('waiting', 'skip', 'skipped'),
  ('waiting', 'errored', 'failed'),
  ('pending', 'held', 'waiting'), ('pending', 'started', 'running'), ('pending', 'errored', 'failed'),
  ('pending', 'cancel', 'cancelled'), ('pending', 'skip', 'skipped'),
  ('running', 'succeeded', 'completed'), ('running', 'errored', 'failed'), ('running', 'backed_off', 'waiting'),
  ('running', 'snoozed', 'waiting'),
  ('running', 'owner_lost', 'pending'), ('running', 'poisoned', 'quarantined'), ('running', 'cancel', 'cancelled'),
  ('failed', 'redrive', 'pending'), ('cancelled', 'redrive', 'pending'), ('quarantined', 'redrive', 'pending'),
  ('failed', 'reopen', 'waiting'), ('cancelled', 'reopen', 'waiting'), ('skipped', 'reopen', 'waiting'),
  ('quarantined', 'reopen', 'waiting');

-- nodes and lanes --------------------------------------------------------------------------------------------------------

create table cascade.node (
  epoch bigint generated always as identity primary key,
  started_at timestamptz not null default now(),
  stopped_at timestamptz,
  pid int not null,
  name text not null,
  version text not null,
  tags text[] not null default '{}',
  handlers text[] not null default '{}'
);
comment on table cascade.node is 'One row each time a node takes up work.';

create table cascade.writer (
  epoch bigint not null references cascade.node,
  batch bigint not null default 0,
  writer smallint not null,
  primary key (epoch, writer)
) with (fillfactor = 10);
comment on table cascade.writer is
  'The connections the owner writes through. Each batch first counts up `batch` of its own (cascade.fence).';

create table cascade.lane (
  epoch bigint not null default 0,
  acquired_at timestamptz,
  lane smallint primary key check (lane between 0 and 63),
  clean boolean not null default true
);
comment on column cascade.lane.clean is
  'False while somebody owns the lane: found false at a takeover, the last owner died and tasks may have been in flight.';
insert into cascade.lane (lane) select generate_series(0, 63);

-- First statement of every batch an owner writes. The row lock makes a takeover wait for the batch, and the batch that
-- comes after a takeover fail: nothing of a lost owner is written. After a lost connection, `batch` tells whether the
-- last one was committed. docs/adr/0001-lanes.md
create function cascade.fence(epoch bigint, writer smallint, batch bigint) returns void
  language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  update cascade.writer w set batch = $3 where w.epoch = $1 and w.writer = $2 and w.batch = $3 - 1;
  if not found then
    raise exception using errcode = 'CA009', message = format('epoch %s no longer owns its lanes', $1);
  end if;
  -- They are made a week ahead; this is for a service that slept longer, and for a clock that jumped.
  if to_regclass('cascade.task_' || to_char(cascade.today(), 'YYYYMMDD')) is null then
    perform cascade.make_partitions();
  end if;
end $$;

-- Makes the caller, who holds the advisory locks of all lanes, their owner.
create function cascade.take_over(name text, pid int, version text, tags text[], handlers text[], writers int,
    out epoch bigint, out unclean boolean)
  language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  delete from cascade.writer;    -- waits for the batches that are under way
  update cascade.node n set stopped_at = now() where n.stopped_at is null;
  insert into cascade.node as n (name, pid, version, tags, handlers) values ($1, $2, $3, $4, $5)
    returning n.epoch into take_over.epoch;
  insert into cascade.writer (epoch, writer) select take_over.epoch, w from generate_series(0, $6 - 1) w;
  select bool_or(not l.clean) into take_over.unclean from cascade.lane l;
  update cascade.lane l set epoch = take_over.epoch, acquired_at = now(), clean = false;
end $$;

-- workflows --------------------------------------------------------------------------------------------------------------

create table cascade.workflow (
  created_at timestamptz not null default now(),
  version int not null check (version > 0),
  name text not null check (octet_length(name) between 1 and 200),
  definition jsonb not null check (jsonb_typeof(definition) = 'object'),
  primary key (name, version)
);

-- jobs -------------------------------------------------------------------------------------------------------------------

create table cascade.job (
  id bigint generated always as identity primary key,
  xid xid8 not null default pg_current_xact_id(),
  created_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz,
  scheduled_for timestamptz,
  timeout interval check (timeout > interval '0'),
  version int,
  status cascade.job_status not null default 'pending',
  priority smallint not null default 50 check (priority between 0 and 100),
  keep_open boolean not null default false,
  workflow text,
  schedule text,
  input jsonb not null default '{}' check (pg_column_size(input) <= 16777216),
  result jsonb,
  error text,
  check ((finished_at is not null) = (status >= 'completed')),
  check ((workflow is null) = (version is null))
);
comment on table cascade.job is 'One run of a workflow, or (workflow null) a container for tasks that are added to it.';
comment on column cascade.job.schedule is 'Of which schedule it is a tick, the one of scheduled_for; set by cascade.fire_tick alone.';
create index job_inbox on cascade.job (xid) where status < 'completed';
create index job_finished on cascade.job (finished_at) where finished_at is not null;    -- retention
create index job_of_schedule on cascade.job (schedule) where schedule is not null and status < 'completed';    -- overlap

-- tasks ------------------------------------------------------------------------------------------------------------------

create table cascade.task (
  id bigint generated always as identity,
  -- The inserting transaction; 0 for rows the owner inserted itself. See docs/adr/0002-inbox.md.
  xid xid8 not null default pg_current_xact_id(),
  job_id bigint,
  created_at timestamptz not null default now(),
  run_at timestamptz not null default now(),
  ready_at timestamptz,
  started_at timestamptz,
  finished_at timestamptz,
  epoch bigint,
  timeout interval,
  start_within interval,
  finished_on date,
  status cascade.task_status not null default 'pending',
  waiting_reason cascade.waiting_reason,
  item int,
  priority smallint not null default 50,
  attempt smallint not null default 0,
  max_attempts smallint not null default 5,
  owner_losses smallint not null default 0,
  progress smallint,
  queue text not null default 'default',
  handler text not null,
  step text,
  unique_key text,
  concurrency_key text,
  rate_key text,
  requires text[],
  payload jsonb not null default '{}',
  retry jsonb,
  command jsonb,
  result jsonb,
  error text,
  progress_text text
) partition by list (finished_on);
comment on table cascade.task is
  'One unit of work. What its columns may hold is checked by triggers: each CHECK would be parsed anew for each statement, '
  'which halved the rate of single-row inserts (docs/adr/0005-checks-in-triggers.md). A task that ends moves to the '
  'partition of its day (docs/adr/0006-finished-tasks.md).';
comment on column cascade.task.start_within is
  'How long after run_at its first attempt may begin at the latest; a task that waited longer fails.';
comment on column cascade.task.rate_key is
  'Tasks of a queue with the same key share a limit on how often they start: cascade.limit_keys.';
comment on column cascade.task.finished_on is 'The day, in UTC, on which its end was recorded; null until then.';
-- A job's tasks, for its owner and for readers; loose tasks do not pay for it.
create index task_job on cascade.task (job_id) where job_id is not null;

-- What is still to be done: as small as the backlog, whatever the history. Each row that ends leaves a dead version behind;
-- the usual fifth of a table would let it grow without need. No index has a predicate on the state: a task that is written
-- as running is a HOT update.
create table cascade.task_unfinished partition of cascade.task for values in (null)
  with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 20000);
alter table cascade.task_unfinished add primary key (id);
-- The inbox and the takeover read.
create index task_inbox on cascade.task_unfinished (xid);
-- What waits for its time beyond the horizon: docs/adr/0008-horizon.md
create index task_due on cascade.task_unfinished (run_at) where waiting_reason in ('delay', 'retry_backoff');
create unique index task_unique_key on cascade.task_unfinished (unique_key) where unique_key is not null;

-- Earlier attempts; the latest one lives in the task's row.
create table cascade.attempt_log (
  task_id bigint not null,
  started_at timestamptz,
  finished_at timestamptz not null,
  epoch bigint,
  finished_on date not null,
  attempt smallint not null,
  outcome text not null check (outcome in ('failed', 'lost', 'cancelled')),
  result jsonb,
  error text,
  primary key (task_id, attempt, finished_on)
) partition by list (finished_on);

-- The day that a task which ends now belongs to.
create function cascade.today() returns date language sql stable
  return (statement_timestamp() at time zone 'UTC')::date;

-- The partitions of one day; how many were missing. Attaching a table lets inserts, reads and outcomes go on.
create function cascade.make_partition(day date) returns int
  language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
declare
  parent text;
  part text;
  made int := 0;
begin
  foreach parent in array array['task', 'attempt_log'] loop
    part := parent || '_' || to_char(day, 'YYYYMMDD');
    if to_regclass('cascade.' || part) is null then
      execute format('create table cascade.%I (like cascade.%I including defaults including constraints)', part, parent);
      if parent = 'task' then
        execute format('alter table cascade.%I add primary key (id), add check (status >= ''completed'')', part);
      end if;
      execute format('alter table cascade.%I attach partition cascade.%I for values in (%L)', parent, part, day);
      made := made + 1;
    end if;
  end loop;
  return made;
end $$;

-- Those from yesterday to a week ahead; how many were made.
create function cascade.make_partitions() returns bigint language sql
  return (select sum(cascade.make_partition(cascade.today() + d)) from generate_series(-1, 7) d);

-- commands: how anybody but the owner asks for a change --------------------------------------------------------------------

create table cascade.command (
  id bigint generated always as identity primary key,
  xid xid8 not null default pg_current_xact_id(),
  created_at timestamptz not null default now(),
  applied_at timestamptz,
  job_id bigint,
  task_id bigint,
  kind text not null check (kind in ('cancel_job', 'cancel_task', 'retry_task', 'retry_job', 'set_job_priority',
    'set_task_priority', 'pause_job', 'resume_job', 'close_job', 'queue_changed',
    'schedules_changed')),
  queue text,
  created_by text not null default current_user,
  argument jsonb not null default '{}',
  outcome text
);
create index command_inbox on cascade.command (xid) where applied_at is null;

create table cascade.queue (
  changed_at timestamptz not null default now(),
  rate float8 check (rate > 0 and rate <= 1000000),
  key_rate float8 check (key_rate > 0 and key_rate <= 1000000),
  concurrency int check (concurrency > 0),
  burst int not null default 1 check (burst between 1 and 1000000),
  key_burst int not null default 1 check (key_burst between 1 and 1000000),
  name text primary key check (octet_length(name) between 1 and 200),
  paused boolean not null default false
);
comment on table cascade.queue is 'Settings of queues; a queue without a row has the defaults.';
comment on column cascade.queue.rate is 'Starts a second of the whole queue; null: no limit. At most `burst` of them at once.';
comment on column cascade.queue.key_rate is
  'Starts a second of the tasks with the same rate_key; null: no limit. At most `key_burst` of them at once.';

-- schedules (docs/schedules.md) --------------------------------------------------------------------------------------------

create table cascade.schedule (
  every interval check (every between '1 second' and '3650 days' and extract(year from every) = 0
                        and extract(month from every) = 0),    -- of one length, whatever the calendar says
  jitter interval not null default '0' check (jitter between '0' and '1 day'),
  created_at timestamptz not null default now(),
  changed_at timestamptz not null default now(),
  starts_at timestamptz check (isfinite(starts_at)),
  ends_at timestamptz check (isfinite(ends_at)),
  handled_to timestamptz not null default now() check (isfinite(handled_to)),
  next_tick timestamptz,
  catch_up_max int not null default 10 check (catch_up_max between 1 and 1000),
  priority smallint not null default 50 check (priority between 0 and 100),
  paused boolean not null default false,
  name text primary key check (octet_length(name) between 1 and 200),
  cron text check (octet_length(cron) between 1 and 200),
  time_zone text not null default 'UTC' check (octet_length(time_zone) between 1 and 100),
  workflow text check (octet_length(workflow) between 1 and 200),
  handler text check (octet_length(handler) between 1 and 200),
  queue text check (octet_length(queue) between 1 and 200),
  tick_parameter text check (octet_length(tick_parameter) between 1 and 200),
  catch_up text not null default 'last' check (catch_up in ('skip', 'last', 'all')),
  overlap text not null default 'allow' check (overlap in ('allow', 'skip', 'queue', 'cancel')),
  input jsonb not null default '{}' check (jsonb_typeof(input) = 'object' and pg_column_size(input) <= 16777216),
  problem text,
  check ((cron is null) <> (every is null)),
  check ((workflow is null) <> (handler is null)),
  check (queue is null or handler is not null),    -- the steps of a workflow name theirs
  check (ends_at > starts_at)
);
comment on table cascade.schedule is
  'When a workflow or a handler is to run again and again. The engine writes handled_to, next_tick and problem.';
comment on column cascade.schedule.handled_to is 'Ticks up to here have been dealt with.';
comment on column cascade.schedule.problem is 'Why its times cannot be understood.';

-- No reference to the schedule: what it did is kept when it is dropped.
create table cascade.schedule_tick (
  tick timestamptz not null,
  fired_at timestamptz not null default statement_timestamp(),
  job_id bigint,
  schedule text not null,
  outcome text not null check (outcome in ('started', 'queued', 'skipped', 'failed')),
  error text,
  primary key (schedule, tick),
  check ((job_id is not null) = (outcome = 'started'))
);
comment on table cascade.schedule_tick is 'One row for each tick that was fired: its primary key makes a second time impossible.';
create index schedule_tick_queued on cascade.schedule_tick (schedule, tick) where outcome = 'queued';
create index schedule_tick_fired on cascade.schedule_tick (fired_at);    -- retention

-- counters: appended by triggers, folded by the owner (docs/adr/0004-counters.md) ------------------------------------------

-- A task that waits or is pending, and whose transaction this snapshot does not see, is in no counter: its row stands for
-- itself. One row.
create table cascade.counter_point (
  one boolean primary key default true check (one),
  counted_to pg_snapshot not null
);
insert into cascade.counter_point (counted_to) values (pg_current_snapshot());

create table cascade.counter_delta (
  job_id bigint,
  n int not null,
  status cascade.task_status not null,
  queue text not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);

create table cascade.job_counter (
  job_id bigint primary key,
  waiting int not null default 0, pending int not null default 0, running int not null default 0,
  completed int not null default 0, failed int not null default 0, cancelled int not null default 0,
  skipped int not null default 0, quarantined int not null default 0
) with (fillfactor = 50);

create table cascade.queue_counter (
  waiting bigint not null default 0, pending bigint not null default 0, running bigint not null default 0,
  completed bigint not null default 0, failed bigint not null default 0, cancelled bigint not null default 0,
  skipped bigint not null default 0, quarantined bigint not null default 0,
  queue text primary key
) with (fillfactor = 50);

-- guards -------------------------------------------------------------------------------------------------------------------

create function cascade.tg_task_refuse() returns trigger
  language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception using errcode = 'CA001', message = 'only the engine changes the state of a task',
    hint = 'Insert a command instead: cascade.cancel_task(id), cascade.retry_task(id), cascade.set_task_priority(id, n).';
end $$;
-- Once a statement: a batch of the engine changes a thousand rows.
create trigger task_100_refuse before update of status on cascade.task
  for each statement when (current_user <> 'cascade_engine') execute function cascade.tg_task_refuse();

create function cascade.tg_task_guard() returns trigger
  language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if old.status is distinct from new.status and not exists (
      select from cascade.task_transition x where x.from_status = old.status and x.to_status = new.status) then
    raise exception using errcode = 'CA001',
      message = format('task %s: a task that is %s cannot become %s', old.id, old.status, new.status);
  end if;
  if (new.waiting_reason is not null) <> (new.status = 'waiting') or (new.finished_at is not null) <> (new.status >= 'completed')
      or (new.finished_on is not null) <> (new.status >= 'completed') or (new.status >= 'running' and new.started_at is null)
      or new.attempt < 0 or new.priority not between 0 and 100 or new.progress not between 0 and 100 then
    raise exception using errcode = '23514', schema = 'cascade', table = 'task',
      message = format('task %s: the columns of the row contradict each other', new.id);
  end if;
  return new;
end $$;
-- Rows that are right do not get past this condition. A task that was skipped or cancelled before it ran has started_at =
-- finished_at and attempt 0.
create trigger task_110_guard before update on cascade.task
  for each row when ((old.status >= 'completed' and old.status is distinct from new.status)
    or (new.waiting_reason is not null) <> (new.status = 'waiting')
    or (new.finished_at is not null) <> (new.status >= 'completed')
    or (new.finished_on is not null) <> (new.status >= 'completed')
    or (new.status >= 'running' and new.started_at is null)
    or new.attempt < 0 or new.priority not between 0 and 100 or new.progress not between 0 and 100)
  execute function cascade.tg_task_guard();

create function cascade.tg_job_guard() returns trigger
  language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception using errcode = 'CA001',
    message = format('job %s: only the engine changes the state of a job', old.id),
    hint = 'Insert a command instead: cascade.cancel_job(id), cascade.retry_job(id), cascade.pause_job(id).';
end $$;
create trigger job_100_guard before update of status on cascade.job
  for each row when (old.status is distinct from new.status and current_user <> 'cascade_engine')
  execute function cascade.tg_job_guard();

-- derive -------------------------------------------------------------------------------------------------------------------

-- Whether a new row is an ordinary one: its columns hold what they may, and the rare ones nothing.
-- Bodies written as one expression are parsed when they are made: no search_path of a caller changes what they mean.
create function cascade.task_is_plain(run_at timestamptz, finished_at timestamptz,
    timeout interval, start_within interval, status cascade.task_status, reason cascade.waiting_reason, priority smallint, attempt smallint,
    max_attempts smallint, progress smallint, queue text, handler text, unique_key text, concurrency_key text, rate_key text,
    requires text[], payload jsonb, retry jsonb) returns boolean language sql
  return status <= 'pending' and (reason is null) = (status = 'pending') and finished_at is null and attempt = 0
    and progress is null and timeout is null and start_within is null and requires is null and retry is null
    and unique_key is null and concurrency_key is null and (rate_key is null or octet_length(rate_key) between 1 and 200)
    and priority between 0 and 100 and max_attempts >= 1 and isfinite(run_at)
    and octet_length(queue) between 1 and 200 and octet_length(handler) between 1 and 200
    and pg_column_size(payload) <= 16777216;

-- The same with every exception: raises what is wrong.
create function cascade.check_task(t cascade.task) returns void
  language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  problem text := case
    when not isfinite(t.run_at) then 'run_at must be a time, not infinity'
    when t.priority not between 0 and 100 then 'priority must be from 0 to 100'
    when t.max_attempts < 1 then 'max_attempts must be at least 1'
    when t.timeout <= interval '0' then 'timeout must be positive'
    when t.start_within <= interval '0' then 'start_within must be positive'
    when octet_length(t.queue) not between 1 and 200 then 'queue must have 1 to 200 bytes'
    when octet_length(t.handler) not between 1 and 200 then 'handler must have 1 to 200 bytes'
    when octet_length(t.unique_key) not between 1 and 1000 then 'unique_key must have 1 to 1000 bytes'
    when octet_length(t.concurrency_key) not between 1 and 1000 then 'concurrency_key must have 1 to 1000 bytes'
    when octet_length(t.rate_key) not between 1 and 200 then 'rate_key must have 1 to 200 bytes'
    when cardinality(t.requires) > 32 then 'requires may name 32 tags at most'
    when array_position(t.requires, null) is not null then 'requires must not contain null'
    when pg_column_size(t.payload) > 16777216 then 'payload may have 16 MiB at most'
    when jsonb_typeof(t.retry) <> 'object' then 'retry must be a JSON object'
    when (t.waiting_reason is not null) <> (t.status = 'waiting') or (t.finished_at is not null) <> (t.status >= 'completed')
      or (t.status >= 'running' and t.started_at is null) or t.attempt < 0 or t.progress not between 0 and 100
      then 'the columns of the row contradict each other'
  end;
begin
  if problem is not null then
    raise exception using errcode = '23514', schema = 'cascade', table = 'task', message = 'new task: ' || problem;
  end if;
end $$;

-- A key-share lock keeps the owner from finishing a job until the transaction that adds a task to it has ended.
-- No operator and no function without its schema: setting a search_path would cost more than all it does.
create function cascade.hold_job_open(job bigint) returns void language plpgsql security definer as $$
begin
  perform from cascade.job j
    where j.id operator(pg_catalog.=) job and j.status operator(pg_catalog.<) 'completed'::cascade.job_status for key share;
  if not found then
    raise exception using errcode = 'CA004', message = pg_catalog.format('job %s does not exist or has finished', job);
  end if;
end $$;

-- Runs for every row of every insert, with the caller's search_path: setting its own would cost as much as all the rest.
-- Hence no operator and no function without its schema.
-- Advisory lock classes. 727001 (class, lane): the lane is owned. 727002 (class, lane group): its owner sleeps.
-- 727003: a migration runs. 727005: tasks that are in the counters change. 16 lane groups keep the locks of a bulk insert few.
create function cascade.tg_task_inserting() returns trigger language plpgsql as $$
begin
  if new.run_at operator(pg_catalog.>) pg_catalog.now() and new.status operator(pg_catalog.=) 'pending'::cascade.task_status then
    new.status := 'waiting';
    new.waiting_reason := 'delay';
  end if;
  if not cascade.task_is_plain(new.run_at, new.finished_at, new.timeout, new.start_within, new.status, new.waiting_reason, new.priority,
      new.attempt, new.max_attempts, new.progress, new.queue, new.handler, new.unique_key, new.concurrency_key, new.rate_key,
      new.requires, new.payload, new.retry) then
    perform cascade.check_task(new);
  end if;
  if new.job_id is not null then
    perform cascade.hold_job_open(new.job_id);
  end if;
  if not pg_catalog.pg_try_advisory_xact_lock_shared(727002, (coalesce(new.job_id, new.id) operator(pg_catalog.&) 15)::int)
      and coalesce(pg_catalog.current_setting('cascade.doorbell', true), '') operator(pg_catalog.<>) 'off' then
    perform pg_catalog.pg_notify('cascade.doorbell', '');
  end if;
  return new;
end $$;
-- Not on the partitions of days: a task that ends is moved there by an update.
-- Nor for the steps that the engine inserts: they were checked when their workflow was applied.
create trigger task_500_insert before insert on cascade.task_unfinished
  for each row when (new.xid <> '0' and new.step is null) execute function cascade.tg_task_inserting();

-- What is wrong with `value` as parameter `spec`, or null. Types: string, integer, number, boolean, array, object, any.
create function cascade.param_problem(spec jsonb, value jsonb) returns text
  language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case
    when coalesce(spec->>'type', 'any') = 'any' then null
    when spec->>'type' = 'integer' then
      case when jsonb_typeof(value) = 'number' and value::numeric = trunc(value::numeric) then null
           else 'must be an integer, not ' || left(value::text, 60) end
    when jsonb_typeof(value) = spec->>'type' then null
    else format('must be of type %s, not %s', spec->>'type', jsonb_typeof(value))
  end;
$$;

-- The input of a job with defaults filled in; raises CA003 when it does not match the declared parameters.
create function cascade.checked_input(workflow text, definition jsonb, input jsonb) returns jsonb
  language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  params jsonb := definition->'params';
  param record;
  problem text;
begin
  if jsonb_typeof(input) <> 'object' then
    raise exception using errcode = 'CA003',
      message = format('workflow %s: the input must be a JSON object, not %s', workflow, jsonb_typeof(input));
  end if;
  if params is null then
    return input;
  end if;
  for param in select key, value from jsonb_each(params) order by key loop
    if not input ? param.key then
      if param.value ? 'default' then
        input := input || jsonb_build_object(param.key, param.value->'default');
      elsif coalesce((param.value->>'required')::boolean, true) then
        raise exception using errcode = 'CA003',
          message = format('workflow %s: parameter "%s" is missing', workflow, param.key);
      end if;
    else
      problem := cascade.param_problem(param.value, input->param.key);
      if problem is not null then
        raise exception using errcode = 'CA003',
          message = format('workflow %s: parameter "%s" %s', workflow, param.key, problem);
      end if;
      if param.value ? 'enum' and not param.value->'enum' @> jsonb_build_array(input->param.key) then
        raise exception using errcode = 'CA003',
          message = format('workflow %s: parameter "%s" must be one of %s', workflow, param.key, param.value->>'enum');
      end if;
    end if;
  end loop;
  for param in select key from jsonb_object_keys(input) key where not params ? key order by key loop
    raise exception using errcode = 'CA003',
      message = format('workflow %s has no parameter "%s"', workflow, param.key),
      hint = format('Its parameters are: %s.', (select string_agg(k, ', ' order by k) from jsonb_object_keys(params) k));
  end loop;
  return input;
end $$;

create function cascade.tg_job_pin() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  definition jsonb;
begin
  if new.workflow is null then
    return new;
  end if;
  select w.version, w.definition into new.version, definition
    from cascade.workflow w where w.name = new.workflow order by w.version desc limit 1;
  if not found then
    raise exception using errcode = 'CA002', message = format('there is no workflow "%s"', left(new.workflow, 200)),
      hint = 'Apply its definition first: cascade workflow apply FILE.';
  end if;
  new.input := cascade.checked_input(new.workflow, definition, new.input);
  new.timeout := coalesce(new.timeout, (definition->>'timeout')::interval);
  return new;
end $$;
create trigger job_500_pin before insert on cascade.job
  for each row execute function cascade.tg_job_pin();

-- announce -----------------------------------------------------------------------------------------------------------------

-- The insert of a task is announced by its row trigger, and not counted here: the row stands for itself.

-- Whether the counters contain a task, so that what becomes of it changes them.
create function cascade.is_counted(status cascade.task_status, xid xid8, counted_to pg_snapshot) returns boolean
  language sql immutable
  return status > 'pending' or pg_visible_in_snapshot(xid, counted_to);

-- How far the rows are counted, which does not change until this transaction ends.
create function cascade.hold_counter_point() returns pg_snapshot
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  counted_to pg_snapshot;
begin
  perform pg_advisory_xact_lock_shared(727005, 0);
  if current_setting('transaction_isolation') = 'read committed' then
    select p.counted_to into counted_to from cascade.counter_point p;
  else
    select p.counted_to into counted_to from cascade.counter_point p for update;    -- 40001 when this snapshot is too old
  end if;
  return counted_to;
end $$;

create function cascade.tg_task_updated() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  counted_to pg_snapshot := cascade.hold_counter_point();
begin
  insert into cascade.counter_delta (job_id, queue, status, n)
    select c.job_id, c.queue, c.status, sum(c.n)
    from (select o.job_id, o.queue, o.status, -1 as n from before o where cascade.is_counted(o.status, o.xid, counted_to)
          union all
          select a.job_id, a.queue, a.status, 1 from after a where cascade.is_counted(a.status, a.xid, counted_to)) c
    group by 1, 2, 3 having sum(c.n) <> 0;
  return null;
end $$;
create trigger task_900_count after update on cascade.task
  referencing old table as before new table as after for each statement execute function cascade.tg_task_updated();

create function cascade.tg_task_deleted() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  counted_to pg_snapshot := cascade.hold_counter_point();
begin
  insert into cascade.counter_delta (job_id, queue, status, n)
    select o.job_id, o.queue, o.status, -count(*) from before o where cascade.is_counted(o.status, o.xid, counted_to)
    group by 1, 2, 3;
  return null;
end $$;
create trigger task_900_uncount after delete on cascade.task
  referencing old table as before for each statement execute function cascade.tg_task_deleted();

create function cascade.tg_job_inserted() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  bell int;
begin
  if coalesce(current_setting('cascade.doorbell', true), '') <> 'off' then
    for bell in select distinct (i.id & 15)::int from inserted i loop
      if not pg_try_advisory_xact_lock_shared(727002, bell) then
        perform pg_notify('cascade.doorbell', '');
        exit;
      end if;
    end loop;
  end if;
  return null;
end $$;
create trigger job_900_announce after insert on cascade.job
  referencing new table as inserted for each statement execute function cascade.tg_job_inserted();

create function cascade.tg_command_inserted() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform pg_notify('cascade.doorbell', '');    -- commands are rare
  return null;
end $$;
create trigger command_900_announce after insert on cascade.command
  for each statement execute function cascade.tg_command_inserted();

-- the public functions -------------------------------------------------------------------------------------------------------

create function cascade.add_task(handler text, payload jsonb default '{}', job_id bigint default null,
    queue text default 'default', priority int default 50, run_at timestamptz default now(),
    max_attempts int default 5, timeout interval default null, unique_key text default null,
    concurrency_key text default null, requires text[] default null, start_within interval default null,
    rate_key text default null) returns bigint
  language sql security definer set search_path = pg_catalog, pg_temp as $$
  insert into cascade.task (handler, payload, job_id, queue, priority, run_at, max_attempts, timeout, unique_key,
                            concurrency_key, requires, start_within, rate_key)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) returning id;
$$;

create function cascade.start_job(workflow text default null, input jsonb default '{}', priority int default 50,
    keep_open boolean default false, timeout interval default null) returns bigint
  language sql security definer set search_path = pg_catalog, pg_temp as $$
  insert into cascade.job (workflow, input, priority, keep_open, timeout) values ($1, $2, $3, $4, $5) returning id;
$$;

-- Stores a definition unless it equals the newest version; returns the version that is now the newest.
create function cascade.apply_workflow(name text, definition jsonb) returns int
  language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  newest record;
begin
  perform pg_advisory_xact_lock(727004, hashtext($1));
  select w.version, w.definition into newest from cascade.workflow w where w.name = $1 order by w.version desc limit 1;
  if found and newest.definition = $2 then
    return newest.version;
  end if;
  insert into cascade.workflow (name, version, definition) values ($1, coalesce(newest.version, 0) + 1, $2);
  return coalesce(newest.version, 0) + 1;
end $$;

create function cascade.command_for_job(kind text, id bigint, argument jsonb) returns bigint
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  command_id bigint;
begin
  if not exists (select from cascade.job j where j.id = $2) then
    raise exception using errcode = 'CA005', message = format('there is no job %s', $2);
  end if;
  insert into cascade.command (kind, job_id, argument, created_by) values ($1, $2, $3, session_user)
    returning command.id into command_id;
  return command_id;
end $$;

create function cascade.command_for_task(kind text, id bigint, argument jsonb) returns bigint
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  command_id bigint;
begin
  insert into cascade.command (kind, task_id, job_id, argument, created_by)
    select $1, t.id, t.job_id, $3, session_user from cascade.task t where t.id = $2
    returning command.id into command_id;
  if command_id is null then
    raise exception using errcode = 'CA005', message = format('there is no task %s', $2);
  end if;
  return command_id;
end $$;

create function cascade.cancel_job(id bigint) returns bigint language sql as
  $$ select cascade.command_for_job('cancel_job', id, '{}') $$;
create function cascade.retry_job(id bigint) returns bigint language sql as
  $$ select cascade.command_for_job('retry_job', id, '{}') $$;
create function cascade.pause_job(id bigint) returns bigint language sql as
  $$ select cascade.command_for_job('pause_job', id, '{}') $$;
create function cascade.resume_job(id bigint) returns bigint language sql as
  $$ select cascade.command_for_job('resume_job', id, '{}') $$;
create function cascade.close_job(id bigint) returns bigint language sql as
  $$ select cascade.command_for_job('close_job', id, '{}') $$;
create function cascade.cancel_task(id bigint) returns bigint language sql as
  $$ select cascade.command_for_task('cancel_task', id, '{}') $$;
create function cascade.retry_task(id bigint) returns bigint language sql as
  $$ select cascade.command_for_task('retry_task', id, '{}') $$;

create function cascade.checked_priority(priority int) returns jsonb
  language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  if priority is null or priority not between 0 and 100 then
    raise exception using errcode = 'CA006', message = format('priority %s is not between 0 and 100', priority);
  end if;
  return jsonb_build_object('priority', priority);
end $$;
create function cascade.set_priority(job_id bigint, priority int) returns bigint language sql as
  $$ select cascade.command_for_job('set_job_priority', job_id, cascade.checked_priority(priority)) $$;
create function cascade.set_task_priority(task_id bigint, priority int) returns bigint language sql as
  $$ select cascade.command_for_task('set_task_priority', task_id, cascade.checked_priority(priority)) $$;

-- Asks the owner to look at the settings of a queue again.
create function cascade.queue_changed(queue text) returns bigint
  language sql security definer set search_path = pg_catalog, pg_temp as $$
  insert into cascade.command (kind, queue, created_by) values ('queue_changed', $1, session_user) returning id;
$$;

create function cascade.change_queue(queue text, paused boolean) returns bigint
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into cascade.queue as q (name, paused) values ($1, $2)
    on conflict (name) do update set paused = excluded.paused, changed_at = now();
  return cascade.queue_changed($1);
end $$;

create function cascade.checked_rate(rate float8, per interval, burst int, out per_second float8, out most int)
  language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  per_second := rate / extract(epoch from per);
  most := coalesce(burst, greatest(1, least(1000000, ceil(per_second))));
  if rate is not null and (per_second is null or not (per_second > 0 and per_second <= 1000000)) then
    raise exception using errcode = 'CA006',
      message = format('%s in %s is not a rate between 0 and 1000000 a second', rate, per);
  elsif most not between 1 and 1000000 then
    raise exception using errcode = 'CA006', message = format('burst %s is not between 1 and 1000000', burst);
  end if;
end $$;

-- How often tasks of the queue may start: `rate` times in `per`, up to `burst` at once (by default what a second brings).
-- Null takes the limit away.
create function cascade.limit_queue(queue text, rate float8, per interval default '1 second', burst int default null)
  returns bigint language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  c record := cascade.checked_rate(rate, per, burst);
begin
  insert into cascade.queue as q (name, rate, burst) values ($1, c.per_second, c.most)
    on conflict (name) do update set rate = excluded.rate, burst = excluded.burst, changed_at = now();
  return cascade.queue_changed($1);
end $$;

-- The same for each rate_key in the queue.
create function cascade.limit_keys(queue text, rate float8, per interval default '1 second', burst int default null)
  returns bigint language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  c record := cascade.checked_rate(rate, per, burst);
begin
  insert into cascade.queue as q (name, key_rate, key_burst) values ($1, c.per_second, c.most)
    on conflict (name) do update set key_rate = excluded.key_rate, key_burst = excluded.key_burst, changed_at = now();
  return cascade.queue_changed($1);
end $$;

-- At least `gap` between two starts of the same rate_key.
create function cascade.space_keys(queue text, gap interval) returns bigint language sql as
  $$ select cascade.limit_keys(queue, case when gap is not null then 1 end, gap, 1) $$;

-- At most `most` of the queue's tasks run at the same time; null: no limit.
create function cascade.limit_concurrency(queue text, most int) returns bigint
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if most < 1 then
    raise exception using errcode = 'CA006', message = format('concurrency %s is not positive', most);
  end if;
  insert into cascade.queue as q (name, concurrency) values ($1, $2)
    on conflict (name) do update set concurrency = excluded.concurrency, changed_at = now();
  return cascade.queue_changed($1);
end $$;

create function cascade.pause_queue(queue text) returns bigint language sql as
  $$ select cascade.change_queue(queue, true) $$;
create function cascade.resume_queue(queue text) returns bigint language sql as
  $$ select cascade.change_queue(queue, false) $$;

-- schedules (docs/schedules.md) -----------------------------------------------------------------------------------------------

-- Microseconds since 1970, as the engine counts them.
create function cascade.instant_us(t timestamptz) returns bigint language sql immutable
  return (extract(epoch from t) * 1000000)::bigint;
create function cascade.instant_of(us bigint) returns timestamptz language sql stable
  return timestamptz '1970-01-01 00:00:00+00' + us * interval '1 microsecond';

-- A schedule is locked by its row. What runs for the engine tries that lock and never waits for it: somebody may keep a
-- transaction open in which he changed a schedule. What could not be done then is done when the engine looks again, which
-- it is told to do by this command; once a transaction is enough.
create function cascade.announce_schedules() returns void
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if not exists (select from cascade.command c
                 where c.xid = pg_current_xact_id() and c.applied_at is null and c.kind = 'schedules_changed') then
    insert into cascade.command (kind, created_by) values ('schedules_changed', session_user);
  end if;
end $$;

-- New times start now: what was missed of the old ones, or during a pause, is not made up for.
create function cascade.tg_schedule_changing() returns trigger
  language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  new.changed_at := clock_timestamp();    -- no other change has the same, of whichever transaction
  if (new.cron, new.every, new.time_zone, new.starts_at, new.ends_at, new.paused)
      is distinct from (old.cron, old.every, old.time_zone, old.starts_at, old.ends_at, old.paused) then
    new.next_tick := null;
    new.problem := null;
    if new.handled_to = old.handled_to then
      new.handled_to := greatest(old.handled_to, new.changed_at);
    end if;
  end if;
  return new;
end $$;

create function cascade.tg_schedule_changed() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op = 'DELETE' or tg_op = 'UPDATE' and old.name <> new.name then
    update cascade.schedule_tick t set outcome = 'skipped', error = 'the schedule was dropped'
      where t.schedule = old.name and t.outcome = 'queued';
  end if;
  perform cascade.announce_schedules();
  return null;
end $$;

-- By row, so that nothing is announced when nothing changed; the engine's own columns are not looked at.
create trigger schedule_500_change before update on cascade.schedule
  for each row when (
    (old.name, old.cron, old.every, old.time_zone, old.starts_at, old.ends_at, old.jitter, old.paused, old.workflow, old.handler,
     old.input, old.tick_parameter, old.queue, old.priority, old.catch_up, old.catch_up_max, old.overlap)
    is distinct from
    (new.name, new.cron, new.every, new.time_zone, new.starts_at, new.ends_at, new.jitter, new.paused, new.workflow, new.handler,
     new.input, new.tick_parameter, new.queue, new.priority, new.catch_up, new.catch_up_max, new.overlap))
  execute function cascade.tg_schedule_changing();
create trigger schedule_900_announce after insert or delete on cascade.schedule
  for each row execute function cascade.tg_schedule_changed();
create trigger schedule_910_announce after update on cascade.schedule
  for each row when (old.changed_at is distinct from new.changed_at) execute function cascade.tg_schedule_changed();

-- Starts the job of a tick. What is wrong with the schedule is an answer; what goes away by itself (a deadlock, no room) is
-- raised, so that the tick is tried again.
create function cascade.start_scheduled(s cascade.schedule, tick timestamptz, out job_id bigint, out problem text)
  language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  at timestamp := tick at time zone 'UTC';
  input jsonb := s.input;
begin
  if s.tick_parameter is not null then
    input := input || jsonb_build_object(s.tick_parameter, to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS')
      || case when at = date_trunc('second', at) then '' else to_char(at, '.US') end || 'Z');
  end if;
  begin
    insert into cascade.job (workflow, input, priority, schedule, scheduled_for)
      values (s.workflow, case when s.workflow is null then '{}' else input end, s.priority, s.name, tick)
      returning id into job_id;
    if s.handler is not null then
      insert into cascade.task (job_id, handler, payload, queue, priority)
        values (job_id, s.handler, input, coalesce(s.queue, 'default'), s.priority);
    end if;
  exception when others then
    if left(sqlstate, 2) in ('40', '53', '55', '57', '58') then
      raise;
    end if;
    job_id := null;
    problem := format('%s (%s)', sqlerrm, sqlstate);
  end;
end $$;

-- Starts the oldest tick that waits for its turn; one that cannot be started does not hold up the next.
-- Requires: this transaction has locked the schedule, and no job of it is unfinished.
create function cascade.start_queued_tick(s cascade.schedule) returns void
  language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  oldest timestamptz;
  started record;
begin
  loop
    select t.tick into oldest from cascade.schedule_tick t
      where t.schedule = s.name and t.outcome = 'queued' order by t.tick limit 1;
    exit when not found;
    started := cascade.start_scheduled(s, oldest);
    update cascade.schedule_tick t set job_id = started.job_id, error = started.problem,
        outcome = case when started.job_id is null then 'failed' else 'started' end
      where t.schedule = s.name and t.tick = oldest;
    exit when started.job_id is not null;
  end loop;
end $$;

-- For the engine: deals with one tick. What became of it: started, queued, skipped or failed, as its row says; already: it has
-- been dealt with; gone: there is no such schedule, or it is paused; busy: a transaction that is open changes the schedule,
-- nothing was done, try again. `by_hand`: outside of its times, so that they are not affected.
create function cascade.fire_tick(schedule text, tick timestamptz, by_hand boolean default false) returns text
  language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  s cascade.schedule;
  unfinished bigint;
  queued int;
  outcome text := 'started';
  reason text;
  started record;
begin
  select * into s from cascade.schedule x where x.name = $1 for no key update skip locked;
  if not found then
    return case when exists (select from cascade.schedule x where x.name = $1) then 'busy' else 'gone' end;
  elsif s.paused and not by_hand then
    return 'gone';
  end if;
  if not by_hand then
    update cascade.schedule x set handled_to = $2 where x.name = $1 and x.handled_to < $2;
  end if;
  if exists (select from cascade.schedule_tick t where t.schedule = $1 and t.tick = $2) then
    return 'already';
  end if;
  select min(j.id) into unfinished from cascade.job j where j.schedule = $1 and j.status < 'completed';
  if s.overlap = 'skip' and unfinished is not null then
    outcome := 'skipped';
    reason := format('job %s has not finished', unfinished);
  elsif s.overlap = 'queue' then
    select count(*) into queued from cascade.schedule_tick t where t.schedule = $1 and t.outcome = 'queued';
    if queued >= 100 then
      outcome := 'skipped';
      reason := format('%s ticks wait for their turn', queued);
    elsif unfinished is not null or queued > 0 then
      outcome := 'queued';
    end if;
  end if;
  if outcome = 'started' then
    started := cascade.start_scheduled(s, $2);
    if started.job_id is null then
      outcome := 'failed';
      reason := started.problem;
    elsif s.overlap = 'cancel' then
      perform cascade.command_for_job('cancel_job', j.id, '{}')
        from cascade.job j where j.schedule = $1 and j.status < 'completed' and j.id <> started.job_id;
    end if;
    insert into cascade.schedule_tick (schedule, tick, outcome, job_id, error)
      values ($1, $2, outcome, started.job_id, reason);
  else
    insert into cascade.schedule_tick (schedule, tick, outcome, error) values ($1, $2, outcome, reason);
  end if;
  if outcome = 'queued' then
    if unfinished is null and not s.paused then
      perform cascade.start_queued_tick(s);
    else
      perform cascade.announce_schedules();    -- that job may be ending, and its end cannot see this row yet
    end if;
  end if;
  return outcome;
end $$;

-- Part of the engine's batch: it tries its locks, waits for nobody, and does not fail.
create function cascade.tg_scheduled_job_ended() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  s cascade.schedule;
begin
  if not exists (select from cascade.schedule x where x.name = new.schedule and x.overlap = 'queue')
      and not exists (select from cascade.schedule_tick t where t.schedule = new.schedule and t.outcome = 'queued') then
    return null;
  end if;
  begin
    select * into s from cascade.schedule x where x.name = new.schedule for no key update skip locked;
    if not found then
      perform cascade.announce_schedules();
    elsif not s.paused
        and not exists (select from cascade.job j where j.schedule = new.schedule and j.status < 'completed') then
      perform cascade.start_queued_tick(s);
    end if;
  exception when others then
    perform cascade.announce_schedules();
  end;
  return null;
end $$;
create trigger job_910_next_tick after update on cascade.job
  for each row when (old.finished_at is null and new.finished_at is not null and new.schedule is not null)
  execute function cascade.tg_scheduled_job_ended();

-- For the engine: starts what waits for its turn, has it, and was not started by the end of the job before. Returns how many
-- schedules a transaction that is open changes: look again when it is not 0.
create function cascade.start_queued_ticks() returns int
  language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  who text;
  s cascade.schedule;
  busy int := 0;
begin
  for who in select distinct t.schedule from cascade.schedule_tick t where t.outcome = 'queued' order by 1 loop
    select * into s from cascade.schedule x where x.name = who for no key update skip locked;
    if not found then
      busy := busy + (exists (select from cascade.schedule x where x.name = who))::int;
    elsif not s.paused and not exists (select from cascade.job j where j.schedule = who and j.status < 'completed') then
      perform cascade.start_queued_tick(s);
    end if;
  end loop;
  return busy;
end $$;

create function cascade.change_schedule(name text, paused boolean) returns boolean
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update cascade.schedule s set paused = $2 where s.name = $1 and s.paused <> $2;
  if not found and not exists (select from cascade.schedule s where s.name = $1) then
    raise exception using errcode = 'CA005', message = format('there is no schedule "%s"', left($1, 200));
  end if;
  return found;
end $$;
create function cascade.pause_schedule(name text) returns boolean language sql as
  $$ select cascade.change_schedule(name, true) $$;
create function cascade.resume_schedule(name text) returns boolean language sql as
  $$ select cascade.change_schedule(name, false) $$;

-- Fires now, whatever its times are and even when it is paused; what `overlap` says holds.
create function cascade.trigger_schedule(name text, out tick timestamptz, out outcome text, out job_id bigint, out error text)
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform from cascade.schedule s where s.name = $1 for no key update;
  if not found then
    raise exception using errcode = 'CA005', message = format('there is no schedule "%s"', left($1, 200));
  end if;
  tick := clock_timestamp();
  perform cascade.fire_tick($1, tick, true);
  select t.outcome, t.job_id, t.error into outcome, job_id, error
    from cascade.schedule_tick t where t.schedule = $1 and t.tick = trigger_schedule.tick;
end $$;

create function cascade.drop_schedule(name text) returns void
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  delete from cascade.schedule s where s.name = $1;
  if not found then
    raise exception using errcode = 'CA005', message = format('there is no schedule "%s"', left($1, 200));
  end if;
end $$;

-- retention (docs/adr/0006-finished-tasks.md) ----------------------------------------------------------------------------------

-- Takes the tasks of a day away, and from the counters. Returns how many, null when an unfinished job still needs one of them.
-- A partition is emptied before it is detached: that locks nobody but those who read the history.
create function cascade.empty_day(day date) returns bigint
  language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '500ms' as $$
declare
  part text := 'task_' || to_char(day, 'YYYYMMDD');
  needed boolean;
  n bigint;
begin
  execute format('lock table cascade.%I in share row exclusive mode', part);    -- nobody redrives one of them meanwhile
  execute format('select exists (select from cascade.job j where j.status < ''completed''
                    and exists (select from cascade.%I t where t.job_id = j.id))', part) into needed;
  if needed then
    return null;
  end if;
  execute format('insert into cascade.counter_delta (job_id, queue, status, n)
                    select j.id, t.queue, t.status, -count(*) from cascade.%I t left join cascade.job j on j.id = t.job_id
                    group by 1, 2, 3', part);
  execute format('select count(*) from cascade.%I', part) into n;
  execute format('truncate cascade.%I', part);
  return n;
end $$;

-- The next step towards keeping what ended in the last `keep` days, and no more; 0 keeps everything. Returns a statement to
-- run on its own, as cascade_owner; an empty text when this call was the step; null when nothing is left to do. Each step is
-- short, may be given up, and may be repeated.
create function cascade.retention_step(keep int) returns text
  language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '500ms' as $$
declare
  first_day date := cascade.today() - keep;
  n bigint;
  part record;
begin
  perform cascade.make_partitions();
  if keep <= 0 then
    return null;
  end if;
  -- All tasks of a job that ended before the first day ended before it, too.
  with gone as (
    delete from cascade.job j
    where j.id in (select o.id from cascade.job o where o.finished_at < first_day::timestamp at time zone 'UTC' limit 1000)
    returning j.id),
  counters as (delete from cascade.job_counter c using gone g where c.job_id = g.id)
  select count(*) into n from gone;
  if n > 0 then
    return '';
  end if;
  delete from cascade.command c where c.ctid = any (array(
    select o.ctid from cascade.command o where o.applied_at < first_day::timestamp at time zone 'UTC' limit 1000));
  if found then
    return '';
  end if;
  -- The last tick of a schedule stays: it may have one a year.
  delete from cascade.schedule_tick t where t.ctid = any (array(
    select o.ctid from cascade.schedule_tick o
    where o.fired_at < first_day::timestamp at time zone 'UTC' and o.outcome <> 'queued'
      and (exists (select from cascade.schedule_tick n where n.schedule = o.schedule and n.tick > o.tick)
           or not exists (select from cascade.schedule s where s.name = o.schedule))
    limit 1000));
  if found then
    return '';
  end if;
  for part in
    select c.relname as name, p.relname as parent, i.inhdetachpending as leaving, to_date(right(c.relname, 8), 'YYYYMMDD') as day
    from pg_class c left join pg_inherits i on i.inhrelid = c.oid left join pg_class p on p.oid = i.inhparent
    where c.relnamespace = 'cascade'::regnamespace and c.relkind = 'r' and c.relname ~ '^(task|attempt_log)_[0-9]{8}$'
      and to_date(right(c.relname, 8), 'YYYYMMDD') < first_day
    order by day, name loop
    if part.parent is null then
      return format('drop table cascade.%I', part.name);
    elsif part.leaving then
      return format('alter table cascade.%I detach partition cascade.%I finalize', part.parent, part.name);
    elsif part.parent = 'task' then
      n := cascade.empty_day(part.day);
      continue when n is null;
      if n > 0 then
        return '';
      end if;
    elsif to_regclass('cascade.task_' || right(part.name, 8)) is not null then
      continue;    -- an unfinished job needs a task of that day
    end if;
    return format('alter table cascade.%I detach partition cascade.%I concurrently', part.parent, part.name);
  end loop;
  return null;
end $$;

-- Why is this task not running? From the rows alone.
create function cascade.explain_task(id bigint) returns text
  language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  t cascade.task;
  j cascade.job;
  limits cascade.queue;
  behind text;
begin
  select * into t from cascade.task x where x.id = $1;
  if not found then
    raise exception using errcode = 'CA005', message = format('there is no task %s', $1);
  end if;
  select * into j from cascade.job x where x.id = t.job_id;
  select * into limits from cascade.queue q where q.name = t.queue;
  if t.status >= 'completed' then
    return format('It is %s since %s.%s', t.status, t.finished_at, coalesce(' Error: ' || left(t.error, 500), ''));
  elsif t.status = 'running' then
    return format('It is running since %s, attempt %s of %s.', t.started_at, t.attempt, t.max_attempts);
  elsif t.waiting_reason = 'delay' then
    return format('It is not due before %s.', t.run_at);
  elsif t.waiting_reason = 'retry_backoff' then
    return format('Attempt %s of %s failed (%s); the next one starts at %s.', t.attempt, t.max_attempts,
                  left(t.error, 200), t.run_at);
  elsif t.waiting_reason = 'dependency' then
    select string_agg(format('%s (%s)', d.step, d.status), ', ' order by d.step) into behind
      from (select b.step, min(b.status) as status
            from cascade.workflow w
            cross join lateral jsonb_array_elements(w.definition->'steps') s
            cross join lateral jsonb_array_elements_text(s->'depends_on') needed
            join cascade.task b on b.job_id = t.job_id and b.step = needed
            where w.name = j.workflow and w.version = j.version and s->>'name' = t.step and b.status < 'completed'
            group by b.step) d;
    return format('It waits for: %s.', coalesce(behind, 'its job to be taken up'));
  elsif limits.paused then
    return format('Queue %s is paused; cascade.resume_queue(%L) lets it go on.', t.queue, t.queue);
  elsif j.status = 'paused' then
    return format('Job %s is paused; cascade.resume_job(%s) lets it go on.', j.id, j.id);
  elsif not exists (select from pg_catalog.pg_locks l where l.locktype = 'advisory' and l.classid = 727001
                    and l.objid = (coalesce(t.job_id, t.id) & 63) and l.granted
                    and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())) then
    return format('Lane %s has no owner: no cascaded is running on this database.', coalesce(t.job_id, t.id) & 63);
  elsif limits.key_rate is not null and t.rate_key is not null then
    return format('It is ready; tasks with rate_key %s start at most %s times a second, %s at once.', t.rate_key,
                  limits.key_rate, limits.key_burst);
  elsif limits.rate is not null then
    return format('It is ready; tasks of queue %s start at most %s times a second, %s at once.', t.queue, limits.rate,
                  limits.burst);
  elsif t.requires is not null then
    return format('It is ready and needs a node with tags %s; the owner starts it when one is free.', t.requires);
  end if;
  return 'It is ready and starts when a worker is free and nothing more urgent waits.';
end $$;

-- What the engine reads of an unfinished task. (A volatile function here would keep the view from being flattened.)
-- due_at_us: when it may start, start_by_us: when it must have started, microseconds since 1970; null when it may wait.
create view cascade.engine_task as
  select t.xid, t.id, t.job_id, t.status, t.waiting_reason, t.priority,
    case when t.waiting_reason in ('delay', 'retry_backoff')
      then (extract(epoch from t.run_at) * 1000000)::bigint end as due_at_us, t.run_at,
    case when t.start_within is not null and t.attempt = 0
      then (extract(epoch from t.run_at + t.start_within) * 1000000)::bigint end as start_by_us,
    t.queue, t.handler, t.attempt, t.max_attempts, t.item, t.step,
    (extract(epoch from t.timeout) * 1000)::bigint as timeout_ms,
    t.retry::text as retry, t.command::text as command, t.rate_key, t.requires, t.payload
  from cascade.task t
  where t.finished_on is null;

-- the public views -----------------------------------------------------------------------------------------------------------

create view cascade.tasks as
  select t.id, t.job_id, t.step, t.item, t.queue, t.handler, t.status, t.waiting_reason, t.priority, t.payload, t.result,
    t.error, t.progress, t.progress_text, t.attempt, t.max_attempts, n.name as node, t.run_at, t.created_at,
    case when t.status = 'waiting' then null else coalesce(t.ready_at, greatest(t.created_at, t.run_at)) end as ready_at,
    t.started_at, t.finished_at, t.timeout, t.start_within, t.unique_key, t.concurrency_key,
    t.rate_key, t.requires,
    (coalesce(t.job_id, t.id) & 63)::smallint as lane, t.owner_losses, t.finished_on
  from cascade.task t
  left join cascade.node n on n.epoch = t.epoch;

create view cascade.attempts as
  select l.task_id, l.attempt, l.outcome, l.started_at, l.finished_at, n.name as node, l.result, l.error
  from cascade.attempt_log l
  left join cascade.node n on n.epoch = l.epoch
  union all
  select t.id, t.attempt, case when t.status = 'running' then 'running' when t.status = 'waiting' then 'failed'
    else t.status::text end, t.started_at, t.finished_at, n.name, t.result, t.error
  from cascade.task t
  left join cascade.node n on n.epoch = t.epoch
  where t.attempt > 0 and t.status >= 'running' and t.started_at is not null;

-- The tasks that no counter contains. Few while a node is alive.
create function cascade.arrived() returns table (job_id bigint, queue text, status cascade.task_status, n bigint)
  language plpgsql stable security definer rows 10
  set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
declare
  counted_to pg_snapshot := (select p.counted_to from cascade.counter_point p);
begin
  return query
    select a.job_id, a.queue, a.status, count(*) from (
      select t.job_id, t.queue, t.status from cascade.task_unfinished t
      where t.status <= 'pending' and t.xid >= pg_snapshot_xmax(counted_to)
      union all
      select t.job_id, t.queue, t.status from cascade.task_unfinished t
      where t.status <= 'pending' and t.xid = any (array(select pg_snapshot_xip(counted_to)))) a
    group by 1, 2, 3;
end $$;

create view cascade.jobs as
  select j.id, j.workflow, j.version, j.status, j.priority, j.input, j.result, j.error, j.created_at, j.started_at,
    j.finished_at, j.keep_open, j.timeout, j.schedule, j.scheduled_for,
    coalesce(c.waiting, 0) + coalesce(d.waiting, 0) as waiting,
    coalesce(c.pending, 0) + coalesce(d.pending, 0) as pending,
    coalesce(c.running, 0) + coalesce(d.running, 0) as running,
    coalesce(c.completed, 0) + coalesce(d.completed, 0) as completed,
    coalesce(c.failed, 0) + coalesce(d.failed, 0) as failed,
    coalesce(c.cancelled, 0) + coalesce(d.cancelled, 0) as cancelled,
    coalesce(c.skipped, 0) + coalesce(d.skipped, 0) as skipped,
    coalesce(c.quarantined, 0) + coalesce(d.quarantined, 0) as quarantined
  from cascade.job j
  left join cascade.job_counter c on c.job_id = j.id
  left join (
    select x.job_id,
      sum(x.n) filter (where x.status = 'waiting') as waiting, sum(x.n) filter (where x.status = 'pending') as pending,
      sum(x.n) filter (where x.status = 'running') as running, sum(x.n) filter (where x.status = 'completed') as completed,
      sum(x.n) filter (where x.status = 'failed') as failed, sum(x.n) filter (where x.status = 'cancelled') as cancelled,
      sum(x.n) filter (where x.status = 'skipped') as skipped,
      sum(x.n) filter (where x.status = 'quarantined') as quarantined
    from (select job_id, status, n from cascade.counter_delta union all select job_id, status, n from cascade.arrived()) x
    where x.job_id is not null group by x.job_id) d on d.job_id = j.id;

create view cascade.queue_stats as
  select c.queue,
    sum(c.waiting)::bigint as waiting, sum(c.pending)::bigint as pending, sum(c.running)::bigint as running,
    sum(c.completed)::bigint as completed, sum(c.failed)::bigint as failed, sum(c.cancelled)::bigint as cancelled,
    sum(c.skipped)::bigint as skipped, sum(c.quarantined)::bigint as quarantined,
    coalesce(bool_or(q.paused), false) as paused, max(q.concurrency) as concurrency, max(q.rate) as rate,
    max(q.burst) as burst, max(q.key_rate) as key_rate, max(q.key_burst) as key_burst
  from (
    select queue, waiting, pending, running, completed, failed, cancelled, skipped, quarantined
    from cascade.queue_counter
    union all
    select x.queue,
      coalesce(sum(x.n) filter (where x.status = 'waiting'), 0), coalesce(sum(x.n) filter (where x.status = 'pending'), 0),
      coalesce(sum(x.n) filter (where x.status = 'running'), 0), coalesce(sum(x.n) filter (where x.status = 'completed'), 0),
      coalesce(sum(x.n) filter (where x.status = 'failed'), 0), coalesce(sum(x.n) filter (where x.status = 'cancelled'), 0),
      coalesce(sum(x.n) filter (where x.status = 'skipped'), 0),
      coalesce(sum(x.n) filter (where x.status = 'quarantined'), 0)
    from (select queue, status, n from cascade.counter_delta union all select queue, status, n from cascade.arrived()) x
    group by x.queue
    union all
    select q.name, 0, 0, 0, 0, 0, 0, 0, 0 from cascade.queue q) c
  left join cascade.queue q on q.name = c.queue
  group by c.queue;

create view cascade.workflows as
  select w.name, w.version, w.definition, w.created_at,
    w.version = max(w.version) over (partition by w.name) as newest
  from cascade.workflow w;

-- problem: why its times cannot be understood, or why its last tick could not be started.
create view cascade.schedules as
  select s.name, s.cron, s.every, s.time_zone, s.workflow, s.handler, s.input, s.tick_parameter, s.queue, s.priority, s.overlap,
    s.catch_up, s.catch_up_max, s.jitter, s.starts_at, s.ends_at, s.paused, s.next_tick, l.tick as last_tick,
    l.outcome as last_outcome, l.job_id as last_job, j.status as last_status, q.queued, u.unfinished,
    coalesce(s.problem, case when l.outcome = 'failed' then l.error end) as problem, s.created_at, s.changed_at
  from cascade.schedule s
  left join lateral (select * from cascade.schedule_tick t where t.schedule = s.name order by t.tick desc limit 1) l on true
  left join cascade.job j on j.id = l.job_id
  cross join lateral (
    select count(*) as queued from cascade.schedule_tick t where t.schedule = s.name and t.outcome = 'queued') q
  cross join lateral (
    select count(*) as unfinished from cascade.job x where x.schedule = s.name and x.status < 'completed') u;

create view cascade.schedule_ticks as
  select t.schedule, t.tick, t.outcome, t.job_id, j.status, t.fired_at, j.started_at, j.finished_at, t.error
  from cascade.schedule_tick t
  left join cascade.job j on j.id = t.job_id;

select cascade.make_partitions();

-- rights -----------------------------------------------------------------------------------------------------------------------

revoke all on all functions in schema cascade from public;
-- Triggers run them for whoever inserts.
grant execute on function cascade.task_is_plain, cascade.check_task to public;

grant insert (job_id, handler, payload, queue, priority, run_at, max_attempts, timeout, unique_key, concurrency_key,
              requires, retry, start_within, rate_key) on cascade.task to cascade_producer;
grant insert (workflow, input, priority, keep_open, timeout) on cascade.job to cascade_producer;
grant execute on function cascade.add_task, cascade.start_job, cascade.hold_job_open to cascade_producer;

grant select on cascade.tasks, cascade.jobs, cascade.attempts, cascade.queue_stats, cascade.workflows,
  cascade.schedules, cascade.schedule_ticks, cascade.task_transition, cascade.node, cascade.lane, cascade.command
  to cascade_reader;
grant execute on function cascade.explain_task, cascade.arrived to cascade_reader;

grant select, insert, update on cascade.task, cascade.job, cascade.workflow, cascade.queue, cascade.command, cascade.node,
  cascade.lane, cascade.schedule_tick to cascade_engine;
grant select, insert, update, delete on cascade.schedule, cascade.attempt_log, cascade.writer, cascade.counter_delta,
  cascade.job_counter, cascade.queue_counter to cascade_engine;
grant select, update on cascade.counter_point to cascade_engine;
grant select on cascade.engine_task, cascade.task_transition, cascade.tasks, cascade.jobs, cascade.attempts, cascade.queue_stats,
  cascade.workflows, cascade.schedules, cascade.schedule_ticks to cascade_engine;
grant execute on all functions in schema cascade to cascade_engine;
