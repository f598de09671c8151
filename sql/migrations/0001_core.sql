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
-- Why a task is not running (state/task_verdict.hpp): what it waits for, that nobody owns it, or that it does not wait.
create type cascade.task_verdict as enum
  ('dependency', 'delay', 'retry_backoff', 'concurrency_limit', 'rate_limit', 'worker_capacity', 'no_capable_worker',
   'paused', 'no_owner', 'running', 'completed', 'failed', 'cancelled', 'skipped', 'quarantined');

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
  -- With the number, the one version that counts is found at once, though a transaction that is open for hours keeps all others.
  primary key (epoch, writer, batch)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
comment on table cascade.writer is
  'The connections the owner writes through. Each batch first counts up `batch` of its own (cascade.fence).';

-- 64 rows for ever: analyzing them after each takeover would tell nothing, and use a transaction id.
create table cascade.lane (
  epoch bigint not null default 0,
  acquired_at timestamptz,
  lane smallint primary key check (lane between 0 and 63),
  clean boolean not null default true
) with (autovacuum_analyze_threshold = 1000000);
comment on column cascade.lane.clean is
  'False while somebody owns the lane: found false at a takeover, the last owner died and tasks may have been in flight.';
insert into cascade.lane (lane) select generate_series(0, 63);

-- First statement of every batch an owner writes. The row lock makes a takeover wait for the batch, and the batch that
-- comes after a takeover fail: nothing of a lost owner is written. After a lost connection, `batch` tells whether the
-- last one was committed. docs/adr/0001-lanes.md
create function cascade.fence(epoch bigint, writer smallint, batch bigint) returns void
  language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$    -- planned while the table is small
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
  concurrency int check (concurrency > 0),
  status cascade.job_status not null default 'pending',
  priority smallint not null default 50 check (priority between 0 and 100),
  keep_open boolean not null default false,
  workflow text,
  schedule text,
  idempotency_key text check (octet_length(idempotency_key) between 1 and 1000),
  tenant text check (octet_length(tenant) between 1 and 200),
  input jsonb not null default '{}' check (pg_column_size(input) <= 16777216),
  result jsonb,
  error text,
  constraint job_finished_at_of_ended check ((finished_at is not null) = (status >= 'completed')),
  constraint job_version_of_workflow check ((workflow is null) = (version is null))
);
comment on table cascade.job is 'One run of a workflow, or (workflow null) a container for tasks that are added to it.';
comment on column cascade.job.concurrency is 'How many of its tasks run at a time; null: no limit.';
comment on column cascade.job.schedule is 'Of which schedule it is a tick, the one of scheduled_for; set by cascade.fire_tick alone.';
comment on column cascade.job.tenant is 'For whom it runs: the tenant of its tasks, but of those that name their own.';
comment on column cascade.job.idempotency_key is 'A second job with it is the first one: cascade.start_job.';
create unique index job_idempotency_key on cascade.job (idempotency_key) where idempotency_key is not null;
create index job_inbox on cascade.job (xid) where status < 'completed';
create index job_finished on cascade.job (finished_at) where finished_at is not null;    -- retention
create index job_of_schedule on cascade.job (schedule) where schedule is not null and status < 'completed';    -- overlap

-- tasks ------------------------------------------------------------------------------------------------------------------

-- Advisory lock classes. 727001 (class, lane): the lane is owned. 727002 (class, group of producers): the owner sleeps.
-- 727003: a migration runs. 727005: tasks that are in the counters change. docs/adr/0003-doorbell.md
create function cascade.ring(what text) returns xid8 language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if coalesce(current_setting('cascade.doorbell', true), '') <> 'off' then
    perform pg_notify('cascade.doorbell', what);
  end if;
  return pg_current_xact_id();
end $$;

-- The inserting transaction, whose commit wakes the owner if he sleeps. One expression, parsed when it is made: as a default it
-- is part of the plan of the insert, and costs a tenth of a trigger.
create function cascade.announce() returns xid8 language sql
  return case when pg_try_advisory_xact_lock_shared(727002, pg_backend_pid() & 15) then pg_current_xact_id()
    else cascade.ring('') end;

create table cascade.task (
  id bigint generated always as identity,
  -- The inserting transaction; 0 for rows the owner inserted itself. See docs/adr/0002-inbox.md.
  xid xid8 not null default cascade.announce(),
  job_id bigint,
  created_at timestamptz not null default now(),
  run_at timestamptz not null default now(),
  ready_at timestamptz,
  started_at timestamptz,
  finished_at timestamptz,
  epoch bigint,
  found_by bigint,
  timeout interval,
  start_within interval,
  unique_for interval,
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
  tenant text,
  requires text[],
  unique_states cascade.task_status[],
  payload jsonb not null default '{}',
  retry jsonb,
  command jsonb,
  result jsonb,
  error text,
  progress_text text
) partition by list (finished_on);
comment on table cascade.task is
  'One unit of work. What its columns may hold is checked by the key of an index, task_check, and by a trigger: '
  'each CHECK would be parsed anew for each statement (docs/adr/0005-checks-of-a-task.md). A task that ends moves to the '
  'partition of its day (docs/adr/0006-finished-tasks.md).';
comment on column cascade.task.start_within is
  'How long after run_at its first attempt may begin at the latest; a task that waited longer fails.';
comment on column cascade.task.found_by is
  'The task that found this one while it ran: the priority is that of the finder times the decay of the queue.';
comment on column cascade.task.rate_key is
  'Tasks of a queue with the same key share a limit on how often they start: cascade.limit_keys.';
comment on column cascade.task.tenant is
  'For whom it runs: the tenants of a queue share it by their weights, cascade.weigh_tenant (docs/adr/0013-fair-shares.md).';
comment on column cascade.task.unique_for is 'Its unique_key is unique within each period of this length.';
comment on column cascade.task.unique_states is 'In which of the final states it keeps its unique_key, besides all the others.';
comment on column cascade.task.finished_on is 'The day, in UTC, on which its end was recorded; null until then.';
-- A job's tasks, for its owner and for readers; loose tasks do not pay for it.
create index task_job on cascade.task (job_id) where job_id is not null;

-- Large values: lz4 takes a quarter of the time of the built-in method (a payload of 50 kB: 2.4 against 10 ms to insert).
do $$
begin
  if exists (select from pg_catalog.pg_settings s
             where s.name = 'default_toast_compression' and 'lz4' operator(pg_catalog.=) any (s.enumvals)) then
    alter table cascade.job alter input set compression lz4, alter result set compression lz4;
    alter table cascade.task alter payload set compression lz4, alter result set compression lz4;
  end if;
end $$;

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

-- unique keys (docs/sql.md) --------------------------------------------------------------------------------------------------

-- Whether it has one length, whatever the calendar says.
create function cascade.is_period(unique_for interval) returns boolean language sql immutable
  return unique_for between '1 second' and '3650 days' and extract(year from unique_for) = 0 and extract(month from unique_for) = 0;

-- Where the period of a key begins; periods are counted from 1970, in UTC.
create function cascade.unique_period(unique_for interval, created_at timestamptz) returns timestamptz
  language sql immutable
  return coalesce(date_bin(unique_for, created_at, timestamptz '1970-01-01 00:00:00+00'), timestamptz '-infinity');

create unique index task_unique_key on cascade.task_unfinished (unique_key, cascade.unique_period(unique_for, created_at))
  where unique_key is not null;

-- The keys of finished tasks that keep them. A key leaves task_unique_key in the transaction in which it comes here, and is
-- looked for here once it is in task_unique_key: no insert can slip through between the two.
create table cascade.kept_key (
  task_id bigint not null,
  period timestamptz not null,
  free_at timestamptz,
  finished_on date not null,
  unique_key text not null,
  primary key (unique_key, period)
);
comment on table cascade.kept_key is 'Unique keys of finished tasks that keep them (unique_states).';
comment on column cascade.kept_key.free_at is 'The end of the period; null: when retention takes the task away.';
create index kept_key_free on cascade.kept_key (free_at) where free_at is not null;    -- retention
create index kept_key_finished on cascade.kept_key (finished_on);    -- retention

-- checks of a task ---------------------------------------------------------------------------------------------------------

create function cascade.refuse_task(problem text) returns void language plpgsql immutable as $$
begin
  raise exception using errcode = '23514', schema = 'cascade', table = 'task', message = pg_catalog.concat('new task: ', problem);
end $$;

-- The task has its key in task_unique_key by now: whoever had it there has left before, and is seen here if he keeps it. A snapshot
-- that is older than that is no proof: trying the key itself is.
create function cascade.refuse_kept_key(id bigint, unique_key text, unique_for interval, created_at timestamptz) returns void
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  its_period timestamptz := cascade.unique_period($3, $4);
  holder bigint;
begin
  select k.task_id into holder from cascade.kept_key k where k.unique_key = $2 and k.period = its_period and k.task_id <> $1;
  if found then
    raise exception using errcode = '23505', schema = 'cascade', table = 'task', constraint = 'task_unique_key',
      message = format('task %s, which has finished, keeps this unique_key', holder),
      detail = format('Key %s.', left($2, 200));
  elsif current_setting('transaction_isolation') <> 'read committed' and $4 = now() then
    insert into cascade.kept_key (task_id, period, finished_on, unique_key)
      values ($1, its_period, cascade.today(), $2) on conflict do nothing;    -- 40001 for an unseen one
    if found then
      delete from cascade.kept_key k where k.unique_key = $2 and k.period = its_period;
    end if;
  end if;
end $$;

-- The key of task_check, of rows that have something to be checked: raises what is wrong with them, and is the id. (It is not
-- immutable: it looks for kept keys. No row of the index is looked up, and each is as right later as it was when it came.)
create function cascade.check_task(id bigint, run_at timestamptz, created_at timestamptz, max_attempts smallint, priority smallint,
    queue text, handler text, timeout interval, start_within interval, unique_key text, unique_for interval,
    unique_states cascade.task_status[], concurrency_key text, rate_key text, tenant text, requires text[], retry jsonb)
  returns bigint language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
  problem text := case
    when not isfinite(run_at) then 'run_at must be a time, not infinity'
    when max_attempts < 1 then 'max_attempts must be at least 1'
    when priority not between 0 and 100 then 'priority must be from 0 to 100'
    when octet_length(queue) not between 1 and 200 then 'queue must have 1 to 200 bytes'
    when octet_length(handler) not between 1 and 200 then 'handler must have 1 to 200 bytes'
    when timeout <= interval '0' then 'timeout must be positive'
    when start_within <= interval '0' then 'start_within must be positive'
    when unique_key is null and (unique_for is not null or unique_states is not null)
      then 'unique_for and unique_states say more about a unique_key, and there is none'
    when cardinality(unique_states) > 8 or array_position(unique_states, null) is not null
      then 'unique_states must name states, each once'
    when octet_length(concurrency_key) not between 1 and 1000 then 'concurrency_key must have 1 to 1000 bytes'
    when octet_length(rate_key) not between 1 and 200 then 'rate_key must have 1 to 200 bytes'
    when octet_length(tenant) not between 1 and 200 then 'tenant must have 1 to 200 bytes'
    when cardinality(requires) > 32 then 'requires may name 32 tags at most'
    when array_position(requires, null) is not null then 'requires must not contain null'
    when jsonb_typeof(retry) <> 'object' then 'retry must be a JSON object'
  end;
begin
  if problem is not null then
    perform cascade.refuse_task(problem);
  elsif unique_key is not null then
    perform cascade.refuse_kept_key(id, unique_key, unique_for, created_at);
  end if;
  return id;
end $$;
-- What a row must not hold, and the rare columns: its condition is parsed once for a connection, where a CHECK of the table, or the
-- condition of a trigger, is for each run of a statement. Made after task_unique_key, hence asked after it. docs/adr/0005-checks-of-a-task.md
create index task_check on cascade.task_unfinished (cascade.check_task(id, run_at, created_at, max_attempts, priority, queue, handler,
    timeout, start_within, unique_key, unique_for, unique_states, concurrency_key, rate_key, tenant, requires, retry))
  where not isfinite(run_at) or max_attempts < 1 or priority not between 0 and 100
    or queue = '' or handler = '' or octet_length(queue) > 200 or octet_length(handler) > 200
    or step is null and num_nonnulls(timeout, start_within, unique_key, unique_for, unique_states, concurrency_key, rate_key, tenant,
      requires, retry) > 0;

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
      execute format('create table cascade.%I (like cascade.%I including defaults including constraints including compression)', part, parent);
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
  kind text not null check (kind in ('cancel_job', 'cancel_task', 'retry_task', 'retry_job', 'change_task', 'pause_job',
    'resume_job', 'close_job', 'queue_changed', 'schedules_changed', 'limit_job', 'workflow_changed')),
  queue text,
  created_by text not null default current_user,
  argument jsonb not null default '{}',
  outcome text
);
create index command_inbox on cascade.command (xid) where applied_at is null;

-- A row is a wish, and goes when it is fulfilled: what is here waits. docs/adr/0011-priorities.md
create table cascade.priority_change (
  id bigint generated always as identity primary key,
  xid xid8 not null default pg_current_xact_id(),
  created_at timestamptz not null default now(),
  job_id bigint,
  task_id bigint,
  priority smallint not null,
  at_least boolean not null default false,
  created_by text not null default session_user
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
comment on table cascade.priority_change is 'New priorities of jobs and tasks that the owner has not applied yet.';
comment on column cascade.priority_change.at_least is 'Raises the task, or leaves it as it is.';
create index priority_change_inbox on cascade.priority_change (xid);

create table cascade.queue (
  changed_at timestamptz not null default now(),
  rate float8 check (rate > 0 and rate <= 1000000),
  key_rate float8 check (key_rate > 0 and key_rate <= 1000000),
  decay float8 not null default 0.9 check (decay between 0 and 1),
  weight float8 not null default 1 check (weight between 0.001 and 1000),
  concurrency int check (concurrency > 0),
  key_concurrency int not null default 1 check (key_concurrency > 0),
  burst int not null default 1 check (burst between 1 and 1000000),
  key_burst int not null default 1 check (key_burst between 1 and 1000000),
  depth int check (depth > 0),
  name text primary key check (octet_length(name) between 1 and 200),
  when_full text not null default 'wait' check (when_full in ('wait', 'cancel_newest', 'cancel_running', 'round_robin')),
  paused boolean not null default false
);
comment on table cascade.queue is 'Settings of queues; a queue without a row has the defaults.';
comment on column cascade.queue.rate is 'Starts a second of the whole queue; null: no limit. At most `burst` of them at once.';
comment on column cascade.queue.decay is
  'What a task of the queue that was found by another one keeps of the priority of its finder.';
comment on column cascade.queue.key_concurrency is 'How many tasks with the same concurrency_key run at a time.';
comment on column cascade.queue.key_rate is
  'Starts a second of the tasks with the same rate_key; null: no limit. At most `key_burst` of them at once.';
comment on column cascade.queue.weight is 'Its share of the starts among queues whose next tasks have the same priority.';
comment on column cascade.queue.when_full is
  'What becomes of a task whose concurrency_key has no free slot: it waits, is cancelled, has the running one cancelled, or '
  'waits for the turn of its key.';
comment on column cascade.queue.depth is 'How many tasks may wait or be pending; null: no limit. More are refused (CA010).';

create table cascade.tenant (
  weight float8 not null check (weight between 0.001 and 1000),
  queue text not null check (octet_length(queue) between 1 and 200),
  tenant text not null check (octet_length(tenant) between 1 and 200),
  primary key (queue, tenant)
);
comment on table cascade.tenant is 'Shares of the tenants of a queue; one without a row has the weight 1.';

create table cascade.workflow_setting (
  changed_at timestamptz not null default now(),
  concurrency int check (concurrency > 0),
  workflow text primary key check (octet_length(workflow) between 1 and 200),
  paused boolean not null default false
);
comment on table cascade.workflow_setting is
  'Settings of workflows, for the tasks of all jobs of all versions; a workflow without a row has the defaults.';

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
  tenant text check (octet_length(tenant) between 1 and 200),
  tick_parameter text check (octet_length(tick_parameter) between 1 and 200),
  catch_up text not null default 'last' check (catch_up in ('skip', 'last', 'all')),
  overlap text not null default 'allow' check (overlap in ('allow', 'skip', 'queue', 'cancel')),
  input jsonb not null default '{}' check (jsonb_typeof(input) = 'object' and pg_column_size(input) <= 16777216),
  problem text,
  constraint schedule_one_of_cron_and_every check ((cron is null) <> (every is null)),
  constraint schedule_one_of_workflow_and_handler check ((workflow is null) <> (handler is null)),
  constraint schedule_queue_only_with_handler check (queue is null or handler is not null),    -- the steps of a workflow name theirs
  constraint schedule_ends_after_it_starts check (ends_at > starts_at)
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
  constraint schedule_tick_job_of_started check ((job_id is not null) = (outcome = 'started'))
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

-- With a queue: a change of tasks, which counts for the queue, for the job if there is one, and for the job's workflow. Without:
-- for the named job or workflow alone.
create table cascade.counter_delta (
  job_id bigint,
  n int not null,
  status cascade.task_status not null,
  queue text,
  workflow text
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

-- Of the jobs that exist, in all versions of the workflow.
create table cascade.workflow_counter (
  waiting bigint not null default 0, pending bigint not null default 0, running bigint not null default 0,
  completed bigint not null default 0, failed bigint not null default 0, cancelled bigint not null default 0,
  skipped bigint not null default 0, quarantined bigint not null default 0,
  workflow text primary key
) with (fillfactor = 50);

-- the reconciler (docs/adr/0010-reconciler.md) ---------------------------------------------------------------------------

-- One row, which each round changes: a second one at the same time fails.
create table cascade.reconciliation (
  rounds bigint not null default 0,
  repairs bigint not null default 0,
  ended_at timestamptz,
  one boolean primary key default true check (one)
);
insert into cascade.reconciliation default values;

create table cascade.counter_repair (
  repaired_at timestamptz not null default statement_timestamp(),
  off_by bigint not null,
  status cascade.task_status not null,
  kind text not null check (kind in ('job', 'queue', 'workflow')),
  name text not null
);
comment on table cascade.counter_repair is 'A counter that was wrong, by how much, and when that was repaired.';
create index counter_repaired on cascade.counter_repair (repaired_at);    -- retention

-- What a round has counted of days that are over, for the next ones. It only saves work: before anything is repaired, all
-- of it is counted again. A day with rows in day_count has one in counted_day; -infinity: not all of it was counted.
create unlogged table cascade.counted_day (
  counted_at timestamptz not null,
  day date primary key
);
create unlogged table cascade.day_count (
  job_id bigint,
  n bigint not null,
  day date not null,
  status cascade.task_status not null,
  queue text
);
create index day_count_job on cascade.day_count (job_id);

-- A row of totals as one row for each state, without the zeros.
create function cascade.by_status(waiting bigint, pending bigint, running bigint, completed bigint, failed bigint,
    cancelled bigint, skipped bigint, quarantined bigint) returns table (status cascade.task_status, n bigint)
  language sql immutable as $$
  select v.status, v.n
  from (values ('waiting'::cascade.task_status, $1), ('pending', $2), ('running', $3), ('completed', $4), ('failed', $5),
    ('cancelled', $6), ('skipped', $7), ('quarantined', $8)) v(status, n)
  where v.n operator(pg_catalog.<>) 0;
$$;

-- guards -------------------------------------------------------------------------------------------------------------------

create function cascade.tg_task_refuse() returns trigger
  language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception using errcode = 'CA001', message = 'only the engine changes the state of a task',
    hint = 'Insert a command instead: cascade.cancel_task(id), cascade.retry_task(id), cascade.pause_job(id).';
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

-- A key-share lock keeps the owner from finishing a job until the transaction that adds a task to it has ended. Its tenant.
-- No operator and no function without its schema: setting a search_path would cost more than all it does.
create function cascade.hold_job_open(job bigint) returns text language plpgsql security definer as $$
declare
  its_tenant text;
begin
  select j.tenant into its_tenant from cascade.job j
    where j.id operator(pg_catalog.=) job and j.status operator(pg_catalog.<) 'completed'::cascade.job_status for key share;
  if not found then
    raise exception using errcode = 'CA004', message = pg_catalog.format('job %s does not exist or has finished', job);
  end if;
  return its_tenant;
end $$;

-- The priority that a task of `queue` gets from the one that found it.
create function cascade.found_priority(found_by bigint, queue text) returns smallint
  language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  of_finder smallint;
begin
  select t.priority into of_finder from cascade.task_unfinished t where t.id = $1;
  if not found then
    select t.priority into of_finder from cascade.task t where t.id = $1;
  end if;
  if of_finder is null then
    raise exception using errcode = 'CA005', message = format('there is no task %s, which found another one', $1);
  end if;
  return round(of_finder * coalesce((select q.decay from cascade.queue q where q.name = $2), 0.9));
end $$;

-- For what an index (task_check) cannot do, with the caller's search_path: setting its own would cost as much as all the rest. Hence
-- no operator and no function without its schema.
create function cascade.tg_task_inserting() returns trigger language plpgsql as $$
declare
  of_job text;
begin
  if new.run_at operator(pg_catalog.>) pg_catalog.now() and new.status operator(pg_catalog.=) 'pending'::cascade.task_status then
    new.status := 'waiting';
    new.waiting_reason := 'delay';
  end if;
  if pg_catalog.num_nonnulls(new.job_id, new.found_by, new.unique_key) operator(pg_catalog.>) 0
      or pg_catalog.pg_column_size(new.payload) operator(pg_catalog.>) 16777216 then
    if pg_catalog.pg_column_size(new.payload) operator(pg_catalog.>) 16777216 then
      perform cascade.refuse_task('payload may have 16 MiB at most');
    elsif new.unique_key operator(pg_catalog.=) '' or pg_catalog.octet_length(new.unique_key) operator(pg_catalog.>) 1000 then
      perform cascade.refuse_task('unique_key must have 1 to 1000 bytes');
    elsif not cascade.is_period(new.unique_for) then
      perform cascade.refuse_task('unique_for must be from one second to 3650 days, without months and years');
    end if;
    -- (A task that is retried comes through here, too, with the priority it has.)
    if new.found_by is not null and new.created_at operator(pg_catalog.=) pg_catalog.now() then
      new.priority := cascade.found_priority(new.found_by, new.queue);
    end if;
    if new.job_id is not null then
      of_job := cascade.hold_job_open(new.job_id);
      new.tenant := coalesce(new.tenant, of_job);
    end if;
  end if;
  return new;
end $$;
-- Not on the partitions of days: a task that ends is moved there by an update.
-- Nor for the steps that the engine inserts: they were checked when their workflow was applied.
-- Each term of the condition is read anew for each statement.
create trigger task_500_insert before insert on cascade.task_unfinished
  for each row when (new.step is null and (new.run_at > now() or new.job_id is not null or new.found_by is not null
    or new.unique_key is not null or pg_column_size(new.payload) > 16777216))
  execute function cascade.tg_task_inserting();

-- A task that ends keeps its key, one that gets another round has it in task_unique_key again.
create function cascade.tg_task_key_kept() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  its_period timestamptz := cascade.unique_period(new.unique_for, new.created_at);
begin
  if new.finished_on is null then
    delete from cascade.kept_key k where k.unique_key = new.unique_key and k.period = its_period and k.task_id = new.id;
  elsif new.status = any (new.unique_states) then
    insert into cascade.kept_key (task_id, period, free_at, finished_on, unique_key)
      values (new.id, its_period, its_period + new.unique_for, new.finished_on, new.unique_key)
      on conflict do nothing;    -- an outcome is never refused
  end if;
  return new;
end $$;
create trigger task_520_key before update of finished_on on cascade.task
  for each row when (new.unique_states is not null and (old.finished_on is null) <> (new.finished_on is null))
  execute function cascade.tg_task_key_kept();

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
  new.concurrency := coalesce(new.concurrency, (definition->>'concurrency')::int);
  return new;
end $$;
create trigger job_500_pin before insert on cascade.job
  for each row execute function cascade.tg_job_pin();

-- announce -----------------------------------------------------------------------------------------------------------------

-- The insert of a task is announced by the default of its xid, and not counted here: the row stands for itself.

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
begin
  if not pg_try_advisory_xact_lock_shared(727002, pg_backend_pid() & 15) then
    perform cascade.ring('all');
  end if;
  return null;
end $$;
create trigger job_900_announce after insert on cascade.job
  for each statement execute function cascade.tg_job_inserted();

create function cascade.tg_command_inserted() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform pg_notify('cascade.doorbell', 'all');    -- commands are rare
  return null;
end $$;
create trigger command_900_announce after insert on cascade.command
  for each statement execute function cascade.tg_command_inserted();

-- Locks those rows that are still unfinished and that nobody is changing. One that has just ended was moved to another
-- partition: that fails, and none is locked.
create function cascade.lock_unfinished(ids bigint[]) returns bigint[]
  language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  return array(select t.id from cascade.task_unfinished t where t.id = any (ids) for no key update skip locked);
exception when serialization_failure then
  return '{}';
end $$;

create function cascade.tg_priority_change_inserting() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if (new.job_id is null) = (new.task_id is null) or (new.at_least and new.task_id is null) then
    raise exception using errcode = 'CA006', message = 'a change of priority names a job or a task; at_least is for tasks';
  elsif new.priority not between 0 and 100 then
    raise exception using errcode = 'CA006', message = format('priority %s is not between 0 and 100', new.priority);
  elsif new.job_id is not null then
    if not exists (select from cascade.job j where j.id = new.job_id) then
      raise exception using errcode = 'CA005', message = format('there is no job %s', new.job_id);
    end if;
  elsif not exists (select from cascade.task_unfinished t where t.id = new.task_id)
      and not exists (select from cascade.task t where t.id = new.task_id) then
    raise exception using errcode = 'CA005', message = format('there is no task %s', new.task_id);
  end if;
  return new;
end $$;
create trigger priority_change_500_insert before insert on cascade.priority_change
  for each row execute function cascade.tg_priority_change_inserting();

create function cascade.tg_priority_change_inserted() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform pg_notify('cascade.priority', '');
  return null;
end $$;
create trigger priority_change_900_announce after insert on cascade.priority_change
  for each statement execute function cascade.tg_priority_change_inserted();

-- the public functions -------------------------------------------------------------------------------------------------------

-- A unique_key that is taken, `on_conflict`: 'raise' refuses the task (23505); the others return the task that has the key,
-- 'skip' as it is; 'replace' gives it this payload, 'reschedule' this payload and run_at, unless it runs or has finished.
create function cascade.add_task(handler text, payload jsonb default '{}', job_id bigint default null,
    queue text default 'default', priority int default 50, run_at timestamptz default now(),
    max_attempts int default 5, timeout interval default null, unique_key text default null,
    concurrency_key text default null, requires text[] default null, start_within interval default null,
    rate_key text default null, unique_for interval default null, unique_states cascade.task_status[] default null,
    on_conflict text default 'raise', found_by bigint default null, tenant text default null) returns bigint
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  made bigint;
  holder record;
begin
  if $16 is null or $16 not in ('raise', 'skip', 'replace', 'reschedule') then
    raise exception using errcode = 'CA006', message = format('on_conflict %L is not known', left($16, 100)),
      hint = 'It is raise, skip, replace or reschedule.';
  elsif $16 = 'raise' or $9 is null or not cascade.is_period($14) then
    insert into cascade.task (handler, payload, job_id, queue, priority, run_at, max_attempts, timeout, unique_key,
                              concurrency_key, requires, start_within, rate_key, unique_for, unique_states, found_by, tenant)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $17, $18) returning id into made;
    return made;
  end if;
  for i in 1 .. 100 loop    -- once more when the key was given up or taken meanwhile
    select * into holder from cascade.unique_holder($9, $14);
    if holder.id is not null then
      if $16 <> 'skip' and holder.open then
        perform cascade.change_held($16, holder.id, $2, $6);
      end if;
      return holder.id;
    end if;
    begin
      insert into cascade.task (handler, payload, job_id, queue, priority, run_at, max_attempts, timeout, unique_key,
                                concurrency_key, requires, start_within, rate_key, unique_for, unique_states, found_by, tenant)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $17, $18) on conflict do nothing returning id into made;
    exception when unique_violation then
      null;    -- the task that had it has just finished, and keeps it
    end;
    if made is not null then
      return made;
    end if;
  end loop;
  raise exception using errcode = '40001', message = 'the unique_key changes hands all the time';
end $$;

-- Who has a key in the period that this transaction belongs to; null: nobody. open: it has not started, and has not ended.
create function cascade.unique_holder(key text, unique_for interval, out id bigint, out open boolean)
  language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
#variable_conflict use_column
begin
  select u.id, u.status < 'running' into unique_holder.id, unique_holder.open
    from cascade.task_unfinished u
    where u.unique_key = $1 and cascade.unique_period(u.unique_for, u.created_at) = cascade.unique_period($2, now());
  if not found then
    select k.task_id, false into unique_holder.id, unique_holder.open
      from cascade.kept_key k where k.unique_key = $1 and k.period = cascade.unique_period($2, now());
  end if;
end $$;

-- Whether another task has the key of this one, which has finished.
create function cascade.key_is_taken(id bigint, key text, unique_for interval, created_at timestamptz) returns boolean
  language plpgsql stable security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
begin
  return exists (select from cascade.task_unfinished u
                 where u.unique_key = $2 and cascade.unique_period(u.unique_for, u.created_at) = cascade.unique_period($3, $4))
    or exists (select from cascade.kept_key k
               where k.unique_key = $2 and k.period = cascade.unique_period($3, $4) and k.task_id <> $1);
end $$;

-- The owner has the task in memory: it is asked. When the task has started by then, it stays as it is, and the command says so.
create function cascade.change_held(mode text, id bigint, payload jsonb, run_at timestamptz) returns bigint
  language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if payload is null or pg_column_size(jsonb_build_object('payload', payload)) > 16777216 or mode = 'reschedule' and (run_at is null or not isfinite(run_at)) then
    raise exception using errcode = '23514', schema = 'cascade', table = 'task',
      message = 'new task: payload may have 16 MiB at most, and run_at must be a time';
  end if;
  return cascade.command_for_task('change_task', id, jsonb_build_object('payload', payload)
    || case when mode = 'reschedule' then jsonb_build_object('run_at_us', cascade.instant_us(run_at)) else '{}' end);
end $$;

-- With an idempotency_key that a job has already: that job's id. Whoever comes while the first one's transaction is open waits for
-- it. CA011 when that job has another workflow or input; what else differs is not looked at.
create function cascade.start_job(workflow text default null, input jsonb default '{}', priority int default 50,
    keep_open boolean default false, timeout interval default null, idempotency_key text default null, concurrency int default null,
    tenant text default null)
  returns bigint
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  made bigint;
  first cascade.job;
begin
  for i in 1 .. 100 loop
    select j.* into first from cascade.job j where j.idempotency_key = $6;
    if found then
      if first.workflow is distinct from $1 or first.input <> $2 and ($1 is null or first.input <> (
          select cascade.checked_input(w.name, w.definition, $2) from cascade.workflow w
          where w.name = first.workflow and w.version = first.version)) then
        raise exception using errcode = 'CA011',
          message = format('job %s has this idempotency_key, and another workflow or input', first.id);
      end if;
      return first.id;
    end if;
    insert into cascade.job (workflow, input, priority, keep_open, timeout, idempotency_key, concurrency, tenant)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
      on conflict (idempotency_key) where idempotency_key is not null do nothing returning id into made;
    if made is not null then
      return made;
    end if;
  end loop;
  raise exception using errcode = '40001', message = 'the idempotency_key changes hands all the time';
end $$;

-- Whether this transaction inserted it, for producers as well, who cannot read it: start_job and add_task may answer with one that
-- was there.
create function cascade.is_new_job(id bigint) returns boolean
  language sql security definer set search_path = pg_catalog, pg_temp as $$
  select exists (select from cascade.job j where j.id = $1 and j.xid = pg_current_xact_id_if_assigned())
$$;
create function cascade.is_new_task(id bigint) returns boolean
  language sql security definer set search_path = pg_catalog, pg_temp as $$
  select exists (select from cascade.task_unfinished t where t.id = $1 and t.xid = pg_current_xact_id_if_assigned())
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

create function cascade.checked_priority(priority int) returns smallint
  language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  if priority is null or priority not between 0 and 100 then
    raise exception using errcode = 'CA006', message = format('priority %s is not between 0 and 100', priority);
  end if;
  return priority;
end $$;
create function cascade.set_priority(job_id bigint, priority int) returns bigint language sql as
  $$ insert into cascade.priority_change (job_id, priority) values ($1, cascade.checked_priority($2)) returning id $$;
create function cascade.set_task_priority(task_id bigint, priority int) returns bigint language sql as
  $$ insert into cascade.priority_change (task_id, priority) values ($1, cascade.checked_priority($2)) returning id $$;

-- Task `found_by` has found a reference to a task that is there already: it raises it to what a new one would get. Null:
-- it has that already, or has finished.
create function cascade.refer_to(task_id bigint, found_by bigint) returns bigint
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  other record;
  wish smallint;
  change_id bigint;
begin
  select t.queue, t.priority into other from cascade.task_unfinished t where t.id = $1;
  if not found and not exists (select from cascade.task t where t.id = $1) then
    raise exception using errcode = 'CA005', message = format('there is no task %s', $1);
  end if;
  wish := cascade.found_priority($2, other.queue);
  if other.priority < wish then
    insert into cascade.priority_change (task_id, priority, at_least) values ($1, wish, true) returning id into change_id;
  end if;
  return change_id;
end $$;

-- What tasks of the queue keep of the priority of the task that found them.
create function cascade.set_decay(queue text, decay float8) returns void
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if decay is null or decay not between 0 and 1 then
    raise exception using errcode = 'CA006', message = format('decay %s is not between 0 and 1', decay);
  end if;
  insert into cascade.queue as q (name, decay) values ($1, $2)
    on conflict (name) do update set decay = excluded.decay, changed_at = now();
end $$;

-- Moves a task that has not started to another time; one that waits for a time, or is ready. One that runs is left alone.
create function cascade.reschedule_task(task_id bigint, run_at timestamptz) returns bigint
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  now_is record;
begin
  if run_at is null or not isfinite(run_at) then
    raise exception using errcode = 'CA006', message = 'run_at must be a moment';
  end if;
  select t.status, t.waiting_reason into now_is from cascade.task t where t.id = $1 and t.finished_on is null;
  if now_is.status = 'running' then
    raise exception using errcode = 'CA006', message = format('task %s is running', $1),
      hint = 'Its next attempt, if there is one, can be moved once this one is over.';
  elsif now_is.waiting_reason = 'dependency' then
    raise exception using errcode = 'CA006', message = format('task %s waits for other steps', $1);
  elsif now_is.status is null and exists (select from cascade.task t where t.id = $1) then
    raise exception using errcode = 'CA006', message = format('task %s has finished', $1),
      hint = 'cascade.retry_task(id) gives one that did not succeed another round.';
  end if;
  return cascade.command_for_task('change_task', $1, jsonb_build_object('run_at_us', cascade.instant_us(run_at)));
end $$;

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
declare
  seconds float8 := extract(epoch from per);
begin
  if rate is not null and not coalesce(seconds > 0 and seconds < 'infinity', false) then
    raise exception using errcode = 'CA006',
      message = format('a rate needs a period that is longer than 0 and ends, not %s', coalesce(per::text, 'null'));
  end if;
  per_second := rate / seconds;
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

-- At most `most` tasks with the same concurrency_key run at the same time; `when_full` says what becomes of the next one.
-- Null leaves it as it is.
create function cascade.limit_key_concurrency(queue text, most int default 1, when_full text default null) returns bigint
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if most < 1 or most is null and when_full is null then
    raise exception using errcode = 'CA006', message = format('key_concurrency %s is not positive', most);
  elsif when_full not in ('wait', 'cancel_newest', 'cancel_running', 'round_robin') then
    raise exception using errcode = 'CA006', message = format('when_full "%s" is none of the strategies', left(when_full, 200)),
      hint = 'They are wait, cancel_newest, cancel_running and round_robin.';
  end if;
  insert into cascade.queue as q (name, key_concurrency, when_full) values ($1, coalesce($2, 1), coalesce($3, 'wait'))
    on conflict (name) do update set key_concurrency = coalesce($2, q.key_concurrency),
      when_full = coalesce($3, q.when_full), changed_at = now();
  return cascade.queue_changed($1);
end $$;

-- fair shares (docs/adr/0013-fair-shares.md) ------------------------------------------------------------------------------------

create function cascade.checked_weight(weight float8) returns float8
  language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  if weight is null or weight not between 0.001 and 1000 then
    raise exception using errcode = 'CA006', message = format('weight %s is not between 0.001 and 1000', weight);
  end if;
  return weight;
end $$;

-- The share of a queue among those whose next tasks have the same priority; 1 unless it is set.
create function cascade.weigh_queue(queue text, weight float8 default 1) returns bigint
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into cascade.queue as q (name, weight) values ($1, cascade.checked_weight($2))
    on conflict (name) do update set weight = excluded.weight, changed_at = now();
  return cascade.queue_changed($1);
end $$;

-- The same of a tenant within a queue.
create function cascade.weigh_tenant(queue text, tenant text, weight float8 default 1) returns bigint
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if cascade.checked_weight($3) = 1 then
    delete from cascade.tenant t where t.queue = $1 and t.tenant = $2;
  else
    insert into cascade.tenant as t (queue, tenant, weight) values ($1, $2, $3)
      on conflict on constraint tenant_pkey do update set weight = excluded.weight;
  end if;
  return cascade.queue_changed($1);
end $$;

-- limits and pauses of jobs and workflows ----------------------------------------------------------------------------------------

create function cascade.checked_most(most int) returns int
  language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  if most < 1 then
    raise exception using errcode = 'CA006', message = format('%s is not positive', most);
  end if;
  return most;
end $$;

-- At most `most` tasks of the job run at the same time; null: no limit.
create function cascade.limit_job(id bigint, most int) returns bigint language sql as
  $$ select cascade.command_for_job('limit_job', id, jsonb_build_object('concurrency', cascade.checked_most(most))) $$;

create function cascade.workflow_changed(workflow text) returns bigint
  language sql security definer set search_path = pg_catalog, pg_temp as $$
  insert into cascade.command (kind, argument, created_by)
  values ('workflow_changed', jsonb_build_object('workflow', $1), session_user) returning id;
$$;

create function cascade.check_workflow_exists(workflow text) returns void
  language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  if not exists (select from cascade.workflow w where w.name = $1) then
    raise exception using errcode = 'CA002', message = format('there is no workflow "%s"', left($1, 200));
  end if;
end $$;

-- At most `most` tasks of all jobs of the workflow run at the same time; null: no limit.
create function cascade.limit_workflow(workflow text, most int) returns bigint
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform cascade.check_workflow_exists($1);
  insert into cascade.workflow_setting as w (workflow, concurrency) values ($1, cascade.checked_most($2))
    on conflict on constraint workflow_setting_pkey do update set concurrency = excluded.concurrency, changed_at = now();
  return cascade.workflow_changed($1);
end $$;

create function cascade.change_workflow(workflow text, paused boolean) returns bigint
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform cascade.check_workflow_exists($1);
  insert into cascade.workflow_setting as w (workflow, paused) values ($1, $2)
    on conflict on constraint workflow_setting_pkey do update set paused = excluded.paused, changed_at = now();
  return cascade.workflow_changed($1);
end $$;
create function cascade.pause_workflow(name text) returns bigint language sql as
  $$ select cascade.change_workflow(name, true) $$;
create function cascade.resume_workflow(name text) returns bigint language sql as
  $$ select cascade.change_workflow(name, false) $$;

-- how many may wait ------------------------------------------------------------------------------------------------------------

-- Tasks of the queue that wait or are pending. Those that have just arrived are counted one by one.
create function cascade.queue_depth(queue text) returns bigint
  language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  return coalesce((select c.waiting + c.pending from cascade.queue_counter c where c.queue = $1), 0)
    + coalesce((select sum(d.n) from cascade.counter_delta d where d.queue = $1 and d.status <= 'pending'), 0)
    + coalesce((select sum(a.n) from cascade.arrived() a where a.queue = $1), 0);
end $$;

-- Reads, and waits for nobody. It does not see what others have inserted and not committed.
create function cascade.tg_task_depth() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  q record;
  depth bigint;
begin
  for q in select x.name, x.depth from cascade.queue x
      where x.depth is not null and exists (select from inserted i where i.queue = x.name) loop
    depth := cascade.queue_depth(q.name);
    if depth > q.depth then
      raise exception using errcode = 'CA010',
        message = format('queue "%s" is full: %s tasks would wait, its limit is %s', q.name, depth, q.depth),
        detail = jsonb_build_object('queue', q.name, 'depth', depth, 'limit', q.depth)::text,
        hint = 'Try again later; cascade.limit_depth changes the limit.';
    end if;
  end loop;
  return null;
end $$;
-- Its trigger is there while a queue has a limit: one that is only disabled would still have each row of an insert copied for
-- it. Steps and other tasks that the engine inserts are never refused.

-- At most `most` tasks of the queue may wait or be pending, else an insert fails; null: no limit. The first limit, and the end
-- of the last one, wait up to two seconds for open transactions that have inserted tasks, and new ones wait meanwhile.
create function cascade.limit_depth(queue text, most int) returns bigint
  language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '2s' as $$
declare
  wanted boolean;
begin
  perform pg_advisory_xact_lock(727004, hashtext('cascade.limit_depth'));
  insert into cascade.queue as q (name, depth) values ($1, cascade.checked_most($2))
    on conflict (name) do update set depth = excluded.depth, changed_at = now();
  wanted := exists (select from cascade.queue q where q.depth is not null);
  if wanted = exists (select from pg_trigger t where t.tgrelid = 'cascade.task'::regclass and t.tgname = 'task_800_depth') then
    null;
  elsif wanted then
    create trigger task_800_depth after insert on cascade.task
      referencing new table as inserted for each statement when (current_user <> 'cascade_engine')
      execute function cascade.tg_task_depth();
  else
    drop trigger task_800_depth on cascade.task;
  end if;
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
     old.input, old.tick_parameter, old.queue, old.tenant, old.priority, old.catch_up, old.catch_up_max, old.overlap)
    is distinct from
    (new.name, new.cron, new.every, new.time_zone, new.starts_at, new.ends_at, new.jitter, new.paused, new.workflow, new.handler,
     new.input, new.tick_parameter, new.queue, new.tenant, new.priority, new.catch_up, new.catch_up_max, new.overlap))
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
    insert into cascade.job (workflow, input, priority, tenant, schedule, scheduled_for)
      values (s.workflow, case when s.workflow is null then '{}' else input end, s.priority, s.tenant, s.name, tick)
      returning id into job_id;
    if s.handler is not null then
      insert into cascade.task (job_id, handler, payload, queue, priority)
        values (job_id, s.handler, input, coalesce(s.queue, 'default'), s.priority);
    end if;
  exception when others then
    if left(sqlstate, 2) in ('40', '53', '55', '57', '58') or sqlstate = 'CA010' then    -- later it may work
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
  -- A transaction that began in the period may still be open a while later.
  delete from cascade.kept_key k where k.ctid = any (array(
    select o.ctid from cascade.kept_key o where o.free_at < now() - interval '1 day' limit 1000));
  if found then
    return '';
  end if;
  if keep <= 0 then
    return null;
  end if;
  delete from cascade.kept_key k where k.ctid = any (array(
    select o.ctid from cascade.kept_key o where o.finished_on < first_day limit 1000));
  if found then
    return '';
  end if;
  -- All tasks of a job that ended before the first day ended before it, too.
  with gone as (
    delete from cascade.job j
    where j.id in (select o.id from cascade.job o where o.finished_at < first_day::timestamp at time zone 'UTC' limit 1000)
    returning j.id, j.workflow),
  counters as (
    delete from cascade.job_counter c using gone g where c.job_id = g.id returning g.workflow, c.*),
  -- Its workflow has lost what was folded of it; what was not is no longer found to be of that workflow.
  workflows as (
    insert into cascade.counter_delta (workflow, status, n)
    select c.workflow, v.status, -v.n from counters c cross join lateral cascade.by_status(c.waiting, c.pending, c.running,
      c.completed, c.failed, c.cancelled, c.skipped, c.quarantined) v
    where c.workflow is not null)
  select count(*) into n from gone;
  if n > 0 then
    return '';
  end if;
  delete from cascade.command c where c.ctid = any (array(
    select o.ctid from cascade.command o where o.applied_at < first_day::timestamp at time zone 'UTC' limit 1000));
  if found then
    return '';
  end if;
  delete from cascade.counter_repair r where r.ctid = any (array(
    select o.ctid from cascade.counter_repair o where o.repaired_at < first_day::timestamp at time zone 'UTC' limit 1000));
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

-- the reconciler (docs/adr/0010-reconciler.md) ---------------------------------------------------------------------------------

-- A round compares the counters with the rows at one snapshot, in steps. Its transaction is `repeatable read` and has, before
-- it does anything else, locked cascade.task in access share mode: no day is emptied under it, which no snapshot shields from.
--
--   begin isolation level repeatable read; lock table cascade.task in access share mode;
--   cascade.begin_reconciling(), then cascade.reconcile_step() until it says "over"; commit
--
-- What is counted of the rows gathers in temporary tables; only what the point does not see yet is left out, as it is of the
-- counters. No lock is held that a producer or the engine could wait for.

-- `slice`: how many bytes of a table a step reads. `remember`: how old the count of a day that is over may be.
create function cascade.begin_reconciling(slice bigint, remember interval) returns void
  language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if current_setting('transaction_isolation') <> 'repeatable read' then
    raise exception using errcode = '55000', message = 'counters are compared in a transaction that is repeatable read';
  end if;
  update cascade.reconciliation r set rounds = r.rounds + 1;
  perform set_config('cascade.reconcile_pages',
                     greatest(1, slice / current_setting('block_size')::bigint)::text, true);
  create temporary table reconcile_day (part regclass, day date, remembered boolean, planned boolean default false) on commit drop;
  create temporary table reconcile_slice (
    id bigint generated always as identity primary key, first bigint, day date, what text) on commit drop;
  create temporary table reconcile_count (
    job_id bigint, n bigint, status cascade.task_status, queue text, workflow text) on commit drop;
  create index on pg_temp.reconcile_count (job_id);
  insert into pg_temp.reconcile_day (part, day, remembered) values ('cascade.task_unfinished', null, false);
  -- An empty one may be a day that retention has emptied since.
  insert into pg_temp.reconcile_day (part, day, remembered)
    select p.part, p.day, coalesce(k.day is not null and pg_relation_size(p.part) > 0, false)
    from (select c.oid::regclass as part, to_date(right(c.relname, 8), 'YYYYMMDD') as day
          from pg_inherits i join pg_class c on c.oid = i.inhrelid
          where i.inhparent = 'cascade.task'::regclass and c.relname ~ '^task_[0-9]{8}$') p
    left join cascade.counted_day k on k.day = p.day and k.counted_at > now() - remember;
  perform cascade.plan_reconciling();
end $$;

-- Plans to count what is not remembered, and then to compare.
create function cascade.plan_reconciling() returns void
  language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  pages bigint := current_setting('cascade.reconcile_pages');
  kept date[] := array(select d.day from pg_temp.reconcile_day d where (d.remembered or d.planned) and d.day is not null);
begin
  delete from cascade.counted_day k where k.day <> all (kept);
  if found then
    delete from cascade.day_count c where c.day <> all (kept);
  end if;
  insert into cascade.counted_day (day, counted_at)
    select d.day, '-infinity' from pg_temp.reconcile_day d
    where not d.remembered and not d.planned and cascade.is_settled(d.day);
  insert into pg_temp.reconcile_slice (what, day, first)
    select 'rows', d.day, p
    from pg_temp.reconcile_day d,
      generate_series(0, pg_relation_size(d.part) / current_setting('block_size')::bigint - 1, pages) p
    where not d.remembered and not d.planned order by d.day, p;
  update pg_temp.reconcile_day set planned = not remembered;
  insert into pg_temp.reconcile_slice (what, first) values ('jobs', 0);
end $$;

-- A day to which nothing is added any more.
create function cascade.is_settled(day date) returns boolean language sql stable
  return day < (now() at time zone 'UTC')::date - 1;

-- Counts `pages` pages of a day; returns how many tasks. Twice at once: by job, and by queue.
create function cascade.count_rows(day date, first bigint, pages bigint) returns bigint
  language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
declare
  settled boolean := coalesce(cascade.is_settled(day), false);
  tasks bigint;
begin
  execute format(
    $q$ with counted as (
      insert into %s (%s job_id, queue, status, n)
      select %s t.job_id, t.queue, t.status, count(*) from cascade.task t
      where t.finished_on %s and t.ctid >= '(%s,0)' and t.ctid < '(%s,0)' %s
      group by grouping sets ((t.job_id, t.status), (t.queue, t.status))
      having grouping(t.job_id) = 1 or t.job_id is not null
      returning queue, n)
    select coalesce(sum(c.n), 0) from counted c where c.queue is not null $q$,
    case when settled then 'cascade.day_count' else 'pg_temp.reconcile_count' end,
    case when settled then 'day,' end, case when settled then quote_literal(day) || '::date,' end,
    coalesce('= ' || quote_literal(day), 'is null'), first, first + pages,
    case when day is null then 'and cascade.is_counted(t.status, t.xid, $1)' end)
    into tasks using (select p.counted_to from cascade.counter_point p);
  return tasks;
end $$;

-- The counters of the jobs after `after` that are wrong, `most` jobs at a time; what was counted of them goes to their workflows.
-- Jobs are looked up one by one: nothing is known of these tables, and a join may be a loop over all of them for each job.
create function cascade.compare_jobs(after bigint, most bigint, out jobs bigint, out upto bigint, out wrong jsonb)
  language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  select count(*), max(j.id) into jobs, upto
    from (select o.id from cascade.job o where o.id > after order by o.id limit most) j;
  with counted as materialized (
    select c.job_id, c.status, c.n from pg_temp.reconcile_count c where c.job_id > after and c.job_id <= upto
    union all
    select c.job_id, c.status, c.n from cascade.day_count c where c.job_id > after and c.job_id <= upto),
  by_workflow as (
    insert into pg_temp.reconcile_count (workflow, status, n)
    select w.workflow, w.status, sum(w.n)
    from (select (select j.workflow from cascade.job j where j.id = c.job_id), c.status, sum(c.n) as n
          from counted c group by c.job_id, c.status) w
    where w.workflow is not null group by 1, 2)
  select jsonb_agg(w) into wrong from (
    select 'job' as kind, x.job_id::text as name, x.status, sum(x.n) as off_by
    from (
      select k.job_id, v.status, v.n from cascade.job_counter k cross join lateral cascade.by_status(k.waiting, k.pending,
        k.running, k.completed, k.failed, k.cancelled, k.skipped, k.quarantined) v
      where k.job_id > after and k.job_id <= upto
      union all
      select d.job_id, d.status, d.n from cascade.counter_delta d where d.job_id > after and d.job_id <= upto
      union all
      select c.job_id, c.status, -c.n from counted c) x
    group by x.job_id, x.status having sum(x.n) <> 0 and (select true from cascade.job j where j.id = x.job_id)
    order by x.job_id, x.status) w;
end $$;

-- The same for all queues and workflows, once all jobs were compared.
create function cascade.compare_others(out queues bigint, out workflows bigint, out wrong jsonb)
  language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  select count(*) into queues from cascade.queue_counter;
  select count(*) into workflows from cascade.workflow_counter;
  select jsonb_agg(w) into wrong from (
    select x.kind, x.name, x.status, sum(x.n) as off_by
    from (
      select 'queue' as kind, k.queue as name, v.status, v.n from cascade.queue_counter k
      cross join lateral cascade.by_status(k.waiting, k.pending, k.running, k.completed, k.failed, k.cancelled, k.skipped,
        k.quarantined) v
      union all
      select 'workflow', k.workflow, v.status, v.n from cascade.workflow_counter k
      cross join lateral cascade.by_status(k.waiting, k.pending, k.running, k.completed, k.failed, k.cancelled, k.skipped,
        k.quarantined) v
      union all
      select 'queue', d.queue, d.status, d.n from cascade.counter_delta d
      union all
      select 'workflow', coalesce(d.workflow, (select j.workflow from cascade.job j where j.id = d.job_id)), d.status, d.n
      from cascade.counter_delta d where d.workflow is not null or d.queue is not null and d.job_id is not null
      union all
      select case when c.queue is null then 'workflow' else 'queue' end, coalesce(c.queue, c.workflow), c.status, -c.n
      from pg_temp.reconcile_count c where c.job_id is null
      union all
      select 'queue', c.queue, c.status, -c.n from cascade.day_count c where c.job_id is null) x
    where x.name is not null
    group by x.kind, x.name, x.status having sum(x.n) <> 0 order by x.kind, x.name, x.status) w;
end $$;

-- The next step: counts a slice of the rows, compares a slice of the jobs, or all queues and workflows, and repairs what is
-- wrong by appending to the deltas. What it did: {"tasks", "jobs", "queues", "workflows": how many were looked at,
-- "repairs": [{"kind", "name", "status", "off_by"}], "over": whether this was the last step}.
create function cascade.reconcile_step() returns json
  language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  pages bigint := current_setting('cascade.reconcile_pages');
  s record;
  tasks bigint := 0;
  jobs bigint := 0;
  queues bigint := 0;
  workflows bigint := 0;
  upto bigint;
  wrong jsonb;
  over boolean := false;
begin
  delete from pg_temp.reconcile_slice x where x.id = (select min(y.id) from pg_temp.reconcile_slice y)
    returning x.what, x.day, x.first into strict s;
  if s.what = 'rows' then
    tasks := cascade.count_rows(s.day, s.first, pages);
  elsif s.what = 'jobs' then
    select c.jobs, c.upto, c.wrong into jobs, upto, wrong from cascade.compare_jobs(s.first, 2 * pages) c;
    insert into pg_temp.reconcile_slice (what, first)
      values (case when jobs < 2 * pages then 'others' else 'jobs' end, upto);
  else
    select c.queues, c.workflows, c.wrong into queues, workflows, wrong from cascade.compare_others() c;
    over := true;
  end if;
  if wrong is not null and exists (select from pg_temp.reconcile_day d where d.remembered) then
    -- Perhaps a task of a day that is over was tried again, and nothing is wrong.
    update pg_temp.reconcile_day set remembered = false;
    delete from pg_temp.reconcile_count c where c.workflow is not null;
    delete from pg_temp.reconcile_slice;
    perform cascade.plan_reconciling();
    wrong := null;
    over := false;
  elsif wrong is not null then
    with w as (
      select * from jsonb_to_recordset(wrong) as w(kind text, name text, status cascade.task_status, off_by bigint)),
    told as (
      insert into cascade.counter_repair (kind, name, status, off_by) select w.kind, w.name, w.status, w.off_by from w)
    insert into cascade.counter_delta (job_id, queue, workflow, status, n)
      select case when w.kind = 'job' then w.name::bigint end, case when w.kind = 'queue' then w.name end,
        case when w.kind = 'workflow' then w.name end, w.status, -least(greatest(w.off_by, -2147483647), 2147483647)
      from w;
    update cascade.reconciliation r set repairs = r.repairs + jsonb_array_length(wrong);
  end if;
  if over then
    update cascade.counted_day k set counted_at = now() where k.counted_at = '-infinity';
    update cascade.reconciliation r set ended_at = clock_timestamp();
  end if;
  return json_build_object('tasks', tasks, 'jobs', jobs, 'queues', queues, 'workflows', workflows,
    'repairs', coalesce(wrong, '[]'), 'over', over);
end $$;

-- why is this task not running? From the rows alone; the owner knows more: actors/scheduler_why.cpp ---------------------------

-- As state/instant_text.cpp writes it.
create function cascade.utc_text(t timestamptz) returns text language sql stable
  return to_char(t at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')
    || case when t = date_trunc('second', t) then '' else to_char(t at time zone 'UTC', '.US') end || 'Z';

create function cascade.owned_lanes() returns int[] language sql stable
  return (select coalesce(array_agg(l.objid::bigint::int), '{}') from pg_locks l
          where l.locktype = 'advisory' and l.classid = 727001 and l.granted
            and l.database = (select d.oid from pg_database d where d.datname = current_database()));

-- How many tasks of the queue run, as far as it is written.
create function cascade.running_in(queue text) returns bigint
  language sql stable security definer set search_path = pg_catalog, pg_temp
  return coalesce((select c.running from cascade.queue_counter c where c.queue = running_in.queue), 0)
    + coalesce((select sum(d.n) from cascade.counter_delta d where d.queue = running_in.queue and d.status = 'running'), 0);

-- The same of a job, and of all jobs of a workflow.
create function cascade.running_of_job(job bigint) returns bigint
  language sql stable security definer set search_path = pg_catalog, pg_temp
  return coalesce((select c.running from cascade.job_counter c where c.job_id = job), 0)
    + coalesce((select sum(d.n) from cascade.counter_delta d where d.job_id = job and d.status = 'running'), 0);
create function cascade.running_of_workflow(workflow text) returns bigint
  language sql stable security definer set search_path = pg_catalog, pg_temp
  return coalesce((select c.running from cascade.workflow_counter c where c.workflow = running_of_workflow.workflow), 0)
    + coalesce((select sum(d.n) from cascade.counter_delta d
                where d.status = 'running' and (d.workflow is not null or d.job_id is not null and d.queue is not null)
                  and coalesce(d.workflow, (select j.workflow from cascade.job j where j.id = d.job_id))
                      = running_of_workflow.workflow), 0);

-- The first thing that keeps a task from running. A delay that is over stays in the row until the task has run. Whether a rate
-- is used up and a worker is free only the owner knows.
create function cascade.verdict_of(status cascade.task_status, reason cascade.waiting_reason, run_at timestamptz,
    paused boolean, owned boolean, capable boolean, used_up boolean, rated boolean) returns cascade.task_verdict
  language sql stable
  return case
    when status >= 'completed' then status::text::cascade.task_verdict
    when status = 'running' then case when owned then 'running'::cascade.task_verdict else 'no_owner' end
    when reason = 'dependency' then 'dependency'
    when reason in ('delay', 'retry_backoff') and run_at > statement_timestamp() then reason::text::cascade.task_verdict
    when paused then 'paused'
    when not owned then 'no_owner'
    when not capable then 'no_capable_worker'
    when used_up then 'concurrency_limit'
    when rated then 'rate_limit'
    else 'worker_capacity'
  end;

-- The unfinished tasks that a step waits for: at most 50, those that run last.
create function cascade.blockers(task cascade.task) returns table (id bigint, step text)
  language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  needed text[] := array(
    select jsonb_array_elements_text(jsonb_path_query_first(w.definition, '$.steps[*] ? (@.name == $step).depends_on',
                                                            jsonb_build_object('step', task.step)))
    from cascade.job j join cascade.workflow w on w.name = j.workflow and w.version = j.version where j.id = task.job_id);
begin
  return query
    select b.id, b.step
    from (select u.id, u.step, u.status from cascade.task_unfinished u
          where u.job_id = task.job_id and u.step = any (needed) limit 50) b
    order by b.status = 'running', b.id;
end $$;

-- The tasks that run, of one queue, key, job or workflow or of all (null), those that began first: of the thousand oldest unfinished ones, which is
-- where they are; there is no index on what runs.
create function cascade.holders(queue text, key text default null, job bigint default null, workflow text default null)
  returns setof bigint language sql stable set search_path = pg_catalog, pg_temp as $$
  select o.id
  from (select u.id, u.job_id, u.status, u.queue, u.concurrency_key, u.started_at from cascade.task_unfinished u order by u.id limit 1000) o
  where o.status = 'running' and ($1 is null or o.queue = $1) and ($2 is null or o.concurrency_key = $2)
    and ($3 is null or o.job_id = $3)
    and ($4 is null or (select j.workflow from cascade.job j where j.id = o.job_id) = $4)
  order by o.started_at, o.id limit 6;
$$;

-- One link of the chain; null when there is no such task. `depth`: how many more links may follow. Of the tasks that stand in
-- the way at most five are named; the first one is followed further, so that a chain has at most 5 * depth links.
-- Rows are found by their keys, whatever the statistics say, and whoever asks: the engine plans without nested loops.
create function cascade.why_link(id bigint, depth int default 10) returns jsonb
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp set enable_seqscan = off set enable_nestloop = on set jit = off as $$
declare
  t cascade.task;
  j cascade.job;
  q cascade.queue;
  w cascade.workflow_setting;
  n cascade.node;
  its_lane int;
  owned boolean;
  verdict cascade.task_verdict;
  told text;    -- what it is, and what can be done about it
  more jsonb := '{}';
  keyed bigint[] := '{}';    -- who runs with the same concurrency_key
  ids bigint[] := '{}';    -- who stands in the way
  steps text;
  because jsonb := '[]';
begin
  select * into t from cascade.task x where x.id = $1;
  if not found then
    return null;
  end if;
  select * into j from cascade.job x where x.id = t.job_id;
  select * into q from cascade.queue x where x.name = t.queue;
  select * into w from cascade.workflow_setting x where x.workflow = j.workflow;
  its_lane := coalesce(t.job_id, t.id) & 63;
  owned := its_lane = any (cascade.owned_lanes());
  select x.* into n from cascade.lane l join cascade.node x on x.epoch = l.epoch where l.lane = its_lane;
  if t.status < 'running' and t.concurrency_key is not null then
    keyed := array(select cascade.holders(t.queue, t.concurrency_key));
  end if;
  verdict := cascade.verdict_of(t.status, t.waiting_reason, t.run_at,
    coalesce(q.paused, false) or coalesce(j.status = 'paused', false) or coalesce(w.paused, false), owned,
    t.requires is null or coalesce(t.requires <@ n.tags, false),
    owned and (q.concurrency is not null and cascade.running_in(t.queue) >= q.concurrency
      or cardinality(keyed) >= coalesce(q.key_concurrency, 1)
      or j.concurrency is not null and cascade.running_of_job(j.id) >= j.concurrency
      or w.concurrency is not null and cascade.running_of_workflow(w.workflow) >= w.concurrency),
    coalesce(q.rate is not null or q.key_rate is not null and t.rate_key is not null, false));

  case verdict
  when 'completed' then
    told := format('It completed at %s.', cascade.utc_text(t.finished_at));
  when 'failed', 'cancelled', 'quarantined' then
    told := format('It is %s since %s%s. cascade.retry_task(%s) gives it another round.', verdict, cascade.utc_text(t.finished_at),
                   coalesce(' (' || left(t.error, 300) || ')', ''), t.id);
  when 'skipped' then
    told := format('It is skipped since %s%s.', cascade.utc_text(t.finished_at), coalesce(' (' || left(t.error, 300) || ')', ''));
  when 'running' then
    told := format('It is running since %s, attempt %s of %s.', cascade.utc_text(t.started_at), t.attempt, t.max_attempts);
    more := jsonb_build_object('node', n.name);
  when 'no_owner' then
    told := case when t.status = 'running' then 'The node that ran it is gone; the next one runs it again. ' else '' end
      || format('Nobody owns lane %s: start a cascaded on this database.', its_lane);
    more := jsonb_build_object('lane', its_lane);
  when 'delay' then
    told := format('It is not due before %s.', cascade.utc_text(t.run_at));
  when 'retry_backoff' then
    told := format('Attempt %s of %s failed%s; the next one starts at %s.', t.attempt, t.max_attempts,
                   coalesce(' (' || left(t.error, 300) || ')', ''), cascade.utc_text(t.run_at));
  when 'paused' then
    if q.paused then
      told := format('Queue %s is paused; cascade.resume_queue(%L) lets it go on.', t.queue, t.queue);
      more := jsonb_build_object('queue', t.queue);
    elsif w.paused then
      told := format('Workflow %s is paused; cascade.resume_workflow(%L) lets it go on.', w.workflow, w.workflow);
      more := jsonb_build_object('workflow', w.workflow);
    else
      told := format('Job %s is paused; cascade.resume_job(%s) lets it go on.', j.id, j.id);
      more := jsonb_build_object('job', j.id);
    end if;
  when 'no_capable_worker' then
    more := jsonb_build_object('node', n.name, 'tags', array(
      select r from unnest(t.requires) r where not r = any (coalesce(n.tags, '{}')) order by r));
    told := format('It requires %s, which node %s lacks; cascaded --tag gives a node its tags.',
                   (select string_agg(r, ', ') from jsonb_array_elements_text(more->'tags') r), n.name);
  when 'concurrency_limit' then
    if cardinality(keyed) >= coalesce(q.key_concurrency, 1) then
      told := format('Of queue %s with concurrency_key %s %s tasks run, of %s that may run at a time; '
                     'cascade.limit_key_concurrency changes that.',
                     t.queue, t.concurrency_key, cardinality(keyed), coalesce(q.key_concurrency, 1));
      more := jsonb_build_object('queue', t.queue, 'concurrency_key', t.concurrency_key,
                                 'limit', coalesce(q.key_concurrency, 1), 'running', cardinality(keyed));
      ids := keyed;
    elsif j.concurrency is not null and cascade.running_of_job(j.id) >= j.concurrency then
      told := format('Job %s runs %s tasks, of %s that it may run at a time; cascade.limit_job changes that.',
                     j.id, cascade.running_of_job(j.id), j.concurrency);
      more := jsonb_build_object('job', j.id, 'limit', j.concurrency, 'running', cascade.running_of_job(j.id));
      ids := array(select cascade.holders(null, null, j.id));
    elsif w.concurrency is not null and cascade.running_of_workflow(w.workflow) >= w.concurrency then
      told := format('Workflow %s runs %s tasks, of %s that it may run at a time; cascade.limit_workflow changes that.',
                     w.workflow, cascade.running_of_workflow(w.workflow), w.concurrency);
      more := jsonb_build_object('workflow', w.workflow, 'limit', w.concurrency,
                                 'running', cascade.running_of_workflow(w.workflow));
      ids := array(select cascade.holders(null, null, null, w.workflow));
    else
      told := format('Queue %s runs %s tasks, of %s that it may run at a time; cascade.limit_concurrency changes that.',
                     t.queue, cascade.running_in(t.queue), q.concurrency);
      more := jsonb_build_object('queue', t.queue, 'limit', q.concurrency, 'running', cascade.running_in(t.queue));
      ids := array(select cascade.holders(t.queue));
    end if;
  when 'rate_limit' then
    if q.key_rate is not null and t.rate_key is not null then
      told := format('Tasks of queue %s with rate_key %s start at most %s times a second, %s at once; cascade.limit_keys changes that.',
                     t.queue, t.rate_key, q.key_rate, q.key_burst);
      more := jsonb_build_object('queue', t.queue, 'rate_key', t.rate_key, 'rate', q.key_rate, 'burst', q.key_burst);
    else
      told := format('Tasks of queue %s start at most %s times a second, %s at once; cascade.limit_queue changes that.',
                     t.queue, q.rate, q.burst);
      more := jsonb_build_object('queue', t.queue, 'rate', q.rate, 'burst', q.burst);
    end if;
  when 'worker_capacity' then
    told := 'It is ready, and starts when a worker is free and nothing more urgent waits.';
    more := jsonb_build_object('node', n.name);
    ids := array(select cascade.holders(null));
  when 'dependency' then
    select array_agg(b.id), string_agg(distinct b.step, ', ') into ids, steps from cascade.blockers(t) b;
    if ids is null then
      told := 'What it waited for has ended; the owner of its job says what follows.';
      if not owned then
        because := jsonb_build_array(jsonb_build_object('lane', its_lane, 'verdict', 'no_owner', 'because', '[]'::jsonb,
          'text', format('Nobody owns lane %s: start a cascaded on this database.', its_lane)));
      end if;
    else
      told := format('It waits for %s.', left(steps, 300));
    end if;
  end case;

  -- What one of them waits for is followed; that the others run is said.
  if verdict <> 'dependency' or depth > 0 then
    select coalesce(jsonb_agg(cascade.why_link(h.id, case when h.n = 1 then depth - 1 else 0 end) order by h.n), because)
      into because from unnest(ids) with ordinality h(id, n) where h.n <= 5;
  end if;
  return jsonb_strip_nulls(more || jsonb_build_object('task', t.id, 'step', t.step, 'item', t.item, 'verdict', verdict,
    'text', told,
    'until', case when verdict in ('delay', 'retry_backoff') then cascade.utc_text(t.run_at) end,
    'since', case when verdict >= 'running' then cascade.utc_text(coalesce(t.finished_at, t.started_at)) end,
    'more', case when cardinality(ids) > 5 then true end, 'because', because));
end $$;

-- The verdict and the chain behind it.
create function cascade.why_task(id bigint) returns jsonb
  language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  link jsonb := cascade.why_link($1);
begin
  if link is null then
    raise exception using errcode = 'CA005', message = format('there is no task %s', $1);
  end if;
  return link || '{"source": "rows"}';
end $$;

-- A chain for people, a line each.
create function cascade.why_lines(link jsonb, indent int) returns text
  language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  return concat(repeat('  ', indent), case when link ? 'task' then 'task ' || (link->>'task') else 'lane ' || (link->>'lane') end,
      ' (' || (link->>'step') || coalesce(', item ' || (link->>'item'), '') || ')', ': ', link->>'verdict', '. ', link->>'text')
    || coalesce((select string_agg(e'\n' || cascade.why_lines(b, indent + 1), '' order by n)
                 from jsonb_array_elements(link->'because') with ordinality x(b, n)), '')
    || case when link ? 'more' then e'\n' || repeat('  ', indent + 1) || 'and others' else '' end;
end $$;

create function cascade.explain_task(id bigint) returns text
  language sql stable security definer set search_path = pg_catalog, pg_temp as
  $$ select cascade.why_lines(cascade.why_task($1), 0) $$;

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
    t.retry::text as retry, t.command::text as command, t.rate_key, t.concurrency_key, t.tenant,
    t.requires, t.payload
  from cascade.task t
  where t.finished_on is null;

-- the public views -----------------------------------------------------------------------------------------------------------

create view cascade.tasks as
  select t.id, t.job_id, t.step, t.item, t.queue, t.handler, t.status, t.waiting_reason, t.priority, t.payload, t.result,
    t.error, t.progress, t.progress_text, t.attempt, t.max_attempts, n.name as node, t.run_at, t.created_at,
    case when t.status = 'waiting' then null else coalesce(t.ready_at, greatest(t.created_at, t.run_at)) end as ready_at,
    t.started_at, t.finished_at, t.timeout, t.start_within, t.unique_key, t.unique_for, t.unique_states, t.concurrency_key,
    t.rate_key, t.tenant, t.requires, t.found_by,
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
    j.finished_at, j.keep_open, j.timeout, j.concurrency, j.schedule, j.scheduled_for, j.idempotency_key, j.tenant,
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
    coalesce(bool_or(q.paused), false) as paused, max(q.concurrency) as concurrency,
    coalesce(max(q.key_concurrency), 1) as key_concurrency, max(q.rate) as rate,
    max(q.burst) filter (where q.rate is not null) as burst, max(q.key_rate) as key_rate,
    max(q.key_burst) filter (where q.key_rate is not null) as key_burst,
    coalesce(max(q.weight), 1) as weight, coalesce(max(q.when_full), 'wait') as when_full, max(q.depth) as depth
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
    from (select queue, status, n from cascade.counter_delta where queue is not null
          union all select queue, status, n from cascade.arrived()) x
    group by x.queue
    union all
    select q.name, 0, 0, 0, 0, 0, 0, 0, 0 from cascade.queue q) c
  left join cascade.queue q on q.name = c.queue
  group by c.queue;

-- The tasks of all jobs of a workflow.
create view cascade.workflow_stats as
  select c.workflow,
    coalesce(sum(c.n) filter (where c.status = 'waiting'), 0)::bigint as waiting,
    coalesce(sum(c.n) filter (where c.status = 'pending'), 0)::bigint as pending,
    coalesce(sum(c.n) filter (where c.status = 'running'), 0)::bigint as running,
    coalesce(sum(c.n) filter (where c.status = 'completed'), 0)::bigint as completed,
    coalesce(sum(c.n) filter (where c.status = 'failed'), 0)::bigint as failed,
    coalesce(sum(c.n) filter (where c.status = 'cancelled'), 0)::bigint as cancelled,
    coalesce(sum(c.n) filter (where c.status = 'skipped'), 0)::bigint as skipped,
    coalesce(sum(c.n) filter (where c.status = 'quarantined'), 0)::bigint as quarantined,
    coalesce(bool_or(s.paused), false) as paused, max(s.concurrency) as concurrency
  from (
    select k.workflow, v.status, v.n from cascade.workflow_counter k cross join lateral cascade.by_status(k.waiting, k.pending,
      k.running, k.completed, k.failed, k.cancelled, k.skipped, k.quarantined) v
    union all
    select coalesce(x.workflow, (select j.workflow from cascade.job j where j.id = x.job_id)), x.status, x.n
    from (select d.job_id, d.workflow, d.status, d.n from cascade.counter_delta d
          where d.workflow is not null or d.job_id is not null and d.queue is not null
          union all
          select a.job_id, null, a.status, a.n from cascade.arrived() a where a.job_id is not null) x
    union all
    select w.name, null, 0 from cascade.workflow w) c
  left join cascade.workflow_setting s on s.workflow = c.workflow
  where c.workflow is not null
  group by c.workflow;

-- What does not run, by queue and reason. Reads every unfinished task; the console's `waiting` costs nothing, and knows only
-- what the owner has in memory.
create view cascade.waiting_stats as
  with owned as materialized (
    select l.lane, n.tags, l.lane = any (cascade.owned_lanes()) as owned
    from cascade.lane l left join cascade.node n on n.epoch = l.epoch),
  queue as materialized (
    select q.name, q.paused, q.rate is not null as rated, q.key_rate is not null as keys_rated,
      case when q.concurrency is not null then cascade.running_in(q.name) >= q.concurrency end as used_up
    from cascade.queue q),
  workflow as materialized (
    select s.workflow, s.paused,
      case when s.concurrency is not null then cascade.running_of_workflow(s.workflow) >= s.concurrency end as used_up
    from cascade.workflow_setting s)
  select w.queue, w.reason, count(*) as tasks
  from (
    select t.queue,
      cascade.verdict_of(t.status, t.waiting_reason, t.run_at, coalesce(q.paused, false) or coalesce(j.status = 'paused', false)
          or coalesce(f.paused, false),
        o.owned, t.requires is null or coalesce(t.requires <@ o.tags, false), coalesce(q.used_up, false)
          or coalesce(f.used_up, false) or j.concurrency is not null and cascade.running_of_job(j.id) >= j.concurrency,
        coalesce(q.rated or q.keys_rated and t.rate_key is not null, false)) as reason
    from cascade.task_unfinished t
    join owned o on o.lane = (coalesce(t.job_id, t.id) & 63)
    left join queue q on q.name = t.queue
    left join cascade.job j on j.id = t.job_id
    left join workflow f on f.workflow = j.workflow
    where t.status <= 'pending') w
  group by w.queue, w.reason;

create view cascade.workflows as
  select w.name, w.version, w.definition, w.created_at,
    w.version = max(w.version) over (partition by w.name) as newest
  from cascade.workflow w;

-- problem: why its times cannot be understood, or why its last tick could not be started.
create view cascade.schedules as
  select s.name, s.cron, s.every, s.time_zone, s.workflow, s.handler, s.input, s.tick_parameter, s.queue, s.tenant, s.priority,
    s.overlap, s.catch_up, s.catch_up_max, s.jitter, s.starts_at, s.ends_at, s.paused, s.next_tick, l.tick as last_tick,
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
-- An insert runs them for whoever inserts.
grant execute on function cascade.announce, cascade.ring, cascade.check_task, cascade.refuse_task, cascade.refuse_kept_key, cascade.unique_period,
  cascade.is_period to public;

grant insert (job_id, handler, payload, queue, priority, run_at, max_attempts, timeout, unique_key, concurrency_key,
              requires, retry, start_within, rate_key, unique_for, unique_states, found_by, tenant) on cascade.task to cascade_producer;
grant insert (workflow, input, priority, keep_open, timeout, idempotency_key, concurrency, tenant) on cascade.job to cascade_producer;
grant execute on function cascade.add_task, cascade.start_job, cascade.is_new_task, cascade.is_new_job, cascade.hold_job_open,
  cascade.found_priority, cascade.refer_to
  to cascade_producer;

grant select on cascade.tasks, cascade.jobs, cascade.attempts, cascade.queue_stats, cascade.workflows, cascade.workflow_stats,
  cascade.schedules, cascade.schedule_ticks, cascade.task_transition, cascade.node, cascade.lane, cascade.command,
  cascade.counter_repair, cascade.reconciliation, cascade.waiting_stats, cascade.kept_key, cascade.priority_change
  to cascade_reader;
grant execute on function cascade.explain_task, cascade.why_task, cascade.arrived, cascade.owned_lanes, cascade.running_in,
  cascade.running_of_job, cascade.running_of_workflow,
  cascade.verdict_of, cascade.by_status to cascade_reader;

grant select, insert, update on cascade.task, cascade.job, cascade.workflow, cascade.queue, cascade.command, cascade.node,
  cascade.workflow_setting, cascade.lane, cascade.schedule_tick to cascade_engine;
grant select, insert, update, delete on cascade.tenant, cascade.schedule, cascade.attempt_log, cascade.writer, cascade.counter_delta,
  cascade.job_counter, cascade.queue_counter, cascade.workflow_counter to cascade_engine;
grant select, delete, insert (job_id, task_id, priority, at_least) on cascade.priority_change to cascade_engine;
-- A new priority changes no count: it is written past the trigger that counts.
grant select, update (priority) on cascade.task_unfinished to cascade_engine;
grant select, update on cascade.counter_point, cascade.reconciliation to cascade_engine;
grant select, insert on cascade.counter_repair to cascade_engine;
grant select, insert, delete on cascade.counted_day, cascade.day_count to cascade_engine;
grant update on cascade.counted_day to cascade_engine;
grant select on cascade.kept_key, cascade.engine_task, cascade.task_transition, cascade.tasks, cascade.jobs, cascade.attempts, cascade.queue_stats,
  cascade.workflows, cascade.workflow_stats, cascade.schedules, cascade.schedule_ticks, cascade.waiting_stats
  to cascade_engine;
grant execute on all functions in schema cascade to cascade_engine;
