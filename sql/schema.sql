
CREATE SCHEMA cascade;

ALTER SCHEMA cascade OWNER TO cascade_owner;

CREATE TYPE cascade.job_status AS ENUM (
    'pending',
    'running',
    'paused',
    'completed',
    'failed',
    'cancelled'
);

ALTER TYPE cascade.job_status OWNER TO cascade_owner;

CREATE TYPE cascade.task_status AS ENUM (
    'waiting',
    'pending',
    'running',
    'completed',
    'failed',
    'cancelled',
    'skipped',
    'quarantined'
);

ALTER TYPE cascade.task_status OWNER TO cascade_owner;

CREATE TYPE cascade.task_verdict AS ENUM (
    'dependency',
    'delay',
    'retry_backoff',
    'concurrency_limit',
    'rate_limit',
    'worker_capacity',
    'no_capable_worker',
    'paused',
    'no_owner',
    'running',
    'completed',
    'failed',
    'cancelled',
    'skipped',
    'quarantined'
);

ALTER TYPE cascade.task_verdict OWNER TO cascade_owner;

CREATE TYPE cascade.waiting_reason AS ENUM (
    'dependency',
    'delay',
    'retry_backoff',
    'concurrency_limit',
    'rate_limit',
    'worker_capacity',
    'no_capable_worker',
    'paused'
);

ALTER TYPE cascade.waiting_reason OWNER TO cascade_owner;

CREATE FUNCTION cascade.add_task(handler text, payload jsonb DEFAULT '{}'::jsonb, job_id bigint DEFAULT NULL::bigint, queue text DEFAULT 'default'::text, priority integer DEFAULT 50, run_at timestamp with time zone DEFAULT now(), max_attempts integer DEFAULT 5, timeout interval DEFAULT NULL::interval, unique_key text DEFAULT NULL::text, concurrency_key text DEFAULT NULL::text, requires text[] DEFAULT NULL::text[], start_within interval DEFAULT NULL::interval, rate_key text DEFAULT NULL::text, unique_for interval DEFAULT NULL::interval, unique_states cascade.task_status[] DEFAULT NULL::cascade.task_status[], on_conflict text DEFAULT 'raise'::text, found_by bigint DEFAULT NULL::bigint, tenant text DEFAULT NULL::text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
end $_$;

ALTER FUNCTION cascade.add_task(handler text, payload jsonb, job_id bigint, queue text, priority integer, run_at timestamp with time zone, max_attempts integer, timeout interval, unique_key text, concurrency_key text, requires text[], start_within interval, rate_key text, unique_for interval, unique_states cascade.task_status[], on_conflict text, found_by bigint, tenant text) OWNER TO cascade_owner;

CREATE FUNCTION cascade.ring(what text) RETURNS xid8
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  if coalesce(current_setting('cascade.doorbell', true), '') <> 'off' then
    perform pg_notify('cascade.doorbell', what);
  end if;
  return pg_current_xact_id();
end $$;

ALTER FUNCTION cascade.ring(what text) OWNER TO cascade_owner;

CREATE FUNCTION cascade.announce() RETURNS xid8
    LANGUAGE sql
    RETURN CASE WHEN pg_try_advisory_xact_lock_shared(727002, (pg_backend_pid() & 15)) THEN pg_current_xact_id() ELSE cascade.ring(''::text) END;

ALTER FUNCTION cascade.announce() OWNER TO cascade_owner;

CREATE FUNCTION cascade.announce_schedules() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  if not exists (select from cascade.command c
                 where c.xid = pg_current_xact_id() and c.applied_at is null and c.kind = 'schedules_changed') then
    insert into cascade.command (kind, created_by) values ('schedules_changed', session_user);
  end if;
end $$;

ALTER FUNCTION cascade.announce_schedules() OWNER TO cascade_owner;

CREATE FUNCTION cascade.apply_workflow(name text, definition jsonb) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
end $_$;

ALTER FUNCTION cascade.apply_workflow(name text, definition jsonb) OWNER TO cascade_owner;

CREATE FUNCTION cascade.arrived() RETURNS TABLE(job_id bigint, queue text, status cascade.task_status, n bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
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

ALTER FUNCTION cascade.arrived() OWNER TO cascade_owner;

CREATE FUNCTION cascade.begin_reconciling(slice bigint, remember interval) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
end $_$;

ALTER FUNCTION cascade.begin_reconciling(slice bigint, remember interval) OWNER TO cascade_owner;

CREATE TABLE cascade.task (
    id bigint NOT NULL,
    xid xid8 DEFAULT cascade.announce() NOT NULL,
    job_id bigint,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    run_at timestamp with time zone DEFAULT now() NOT NULL,
    ready_at timestamp with time zone,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    epoch bigint,
    found_by bigint,
    timeout interval,
    start_within interval,
    unique_for interval,
    finished_on date,
    status cascade.task_status DEFAULT 'pending'::cascade.task_status NOT NULL,
    waiting_reason cascade.waiting_reason,
    item integer,
    priority smallint DEFAULT 50 NOT NULL,
    attempt smallint DEFAULT 0 NOT NULL,
    max_attempts smallint DEFAULT 5 NOT NULL,
    owner_losses smallint DEFAULT 0 NOT NULL,
    progress smallint,
    queue text DEFAULT 'default'::text NOT NULL,
    handler text NOT NULL,
    step text,
    unique_key text,
    concurrency_key text,
    rate_key text,
    tenant text,
    requires text[],
    unique_states cascade.task_status[],
    payload jsonb DEFAULT '{}'::jsonb NOT NULL,
    retry jsonb,
    command jsonb,
    result jsonb,
    error text,
    progress_text text
)
PARTITION BY LIST (finished_on);
ALTER TABLE ONLY cascade.task ALTER COLUMN payload SET COMPRESSION lz4;
ALTER TABLE ONLY cascade.task ALTER COLUMN result SET COMPRESSION lz4;

ALTER TABLE cascade.task OWNER TO cascade_owner;

COMMENT ON TABLE cascade.task IS 'One unit of work. What its columns may hold is checked by the key of an index, task_check, and by a trigger: each CHECK would be parsed anew for each statement (docs/adr/0005-checks-of-a-task.md). A task that ends moves to the partition of its day (docs/adr/0006-finished-tasks.md).';

COMMENT ON COLUMN cascade.task.found_by IS 'The task that found this one while it ran: the priority is that of the finder times the decay of the queue.';

COMMENT ON COLUMN cascade.task.start_within IS 'How long after run_at its first attempt may begin at the latest; a task that waited longer fails.';

COMMENT ON COLUMN cascade.task.unique_for IS 'Its unique_key is unique within each period of this length.';

COMMENT ON COLUMN cascade.task.finished_on IS 'The day, in UTC, on which its end was recorded; null until then.';

COMMENT ON COLUMN cascade.task.rate_key IS 'Tasks of a queue with the same key share a limit on how often they start: cascade.limit_keys.';

COMMENT ON COLUMN cascade.task.tenant IS 'For whom it runs: the tenants of a queue share it by their weights, cascade.weigh_tenant (docs/adr/0013-fair-shares.md).';

COMMENT ON COLUMN cascade.task.unique_states IS 'In which of the final states it keeps its unique_key, besides all the others.';

CREATE FUNCTION cascade.blockers(task cascade.task) RETURNS TABLE(id bigint, step text)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
end $_$;

ALTER FUNCTION cascade.blockers(task cascade.task) OWNER TO cascade_owner;

CREATE FUNCTION cascade.by_status(waiting bigint, pending bigint, running bigint, completed bigint, failed bigint, cancelled bigint, skipped bigint, quarantined bigint) RETURNS TABLE(status cascade.task_status, n bigint)
    LANGUAGE sql IMMUTABLE
    AS $_$
  select v.status, v.n
  from (values ('waiting'::cascade.task_status, $1), ('pending', $2), ('running', $3), ('completed', $4), ('failed', $5),
    ('cancelled', $6), ('skipped', $7), ('quarantined', $8)) v(status, n)
  where v.n operator(pg_catalog.<>) 0;
$_$;

ALTER FUNCTION cascade.by_status(waiting bigint, pending bigint, running bigint, completed bigint, failed bigint, cancelled bigint, skipped bigint, quarantined bigint) OWNER TO cascade_owner;

CREATE FUNCTION cascade.cancel_job(id bigint) RETURNS bigint
    LANGUAGE sql
    AS $$ select cascade.command_for_job('cancel_job', id, '{}') $$;

ALTER FUNCTION cascade.cancel_job(id bigint) OWNER TO cascade_owner;

CREATE FUNCTION cascade.cancel_task(id bigint) RETURNS bigint
    LANGUAGE sql
    AS $$ select cascade.command_for_task('cancel_task', id, '{}') $$;

ALTER FUNCTION cascade.cancel_task(id bigint) OWNER TO cascade_owner;

CREATE FUNCTION cascade.change_held(mode text, id bigint, payload jsonb, run_at timestamp with time zone) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  if payload is null or pg_column_size(jsonb_build_object('payload', payload)) > 16777216 or mode = 'reschedule' and (run_at is null or not isfinite(run_at)) then
    raise exception using errcode = '23514', schema = 'cascade', table = 'task',
      message = 'new task: payload may have 16 MiB at most, and run_at must be a time';
  end if;
  return cascade.command_for_task('change_task', id, jsonb_build_object('payload', payload)
    || case when mode = 'reschedule' then jsonb_build_object('run_at_us', cascade.instant_us(run_at)) else '{}' end);
end $$;

ALTER FUNCTION cascade.change_held(mode text, id bigint, payload jsonb, run_at timestamp with time zone) OWNER TO cascade_owner;

CREATE FUNCTION cascade.change_queue(queue text, paused boolean) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
  insert into cascade.queue as q (name, paused) values ($1, $2)
    on conflict (name) do update set paused = excluded.paused, changed_at = now();
  return cascade.queue_changed($1);
end $_$;

ALTER FUNCTION cascade.change_queue(queue text, paused boolean) OWNER TO cascade_owner;

CREATE FUNCTION cascade.change_schedule(name text, paused boolean) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
  update cascade.schedule s set paused = $2 where s.name = $1 and s.paused <> $2;
  if not found and not exists (select from cascade.schedule s where s.name = $1) then
    raise exception using errcode = 'CA005', message = format('there is no schedule "%s"', left($1, 200));
  end if;
  return found;
end $_$;

ALTER FUNCTION cascade.change_schedule(name text, paused boolean) OWNER TO cascade_owner;

CREATE FUNCTION cascade.change_workflow(workflow text, paused boolean) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
  perform cascade.check_workflow_exists($1);
  insert into cascade.workflow_setting as w (workflow, paused) values ($1, $2)
    on conflict on constraint workflow_setting_pkey do update set paused = excluded.paused, changed_at = now();
  return cascade.workflow_changed($1);
end $_$;

ALTER FUNCTION cascade.change_workflow(workflow text, paused boolean) OWNER TO cascade_owner;

CREATE FUNCTION cascade.check_task(id bigint, run_at timestamp with time zone, created_at timestamp with time zone, max_attempts smallint, priority smallint, queue text, handler text, timeout interval, start_within interval, unique_key text, unique_for interval, unique_states cascade.task_status[], concurrency_key text, rate_key text, tenant text, requires text[], retry jsonb) RETURNS bigint
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

ALTER FUNCTION cascade.check_task(id bigint, run_at timestamp with time zone, created_at timestamp with time zone, max_attempts smallint, priority smallint, queue text, handler text, timeout interval, start_within interval, unique_key text, unique_for interval, unique_states cascade.task_status[], concurrency_key text, rate_key text, tenant text, requires text[], retry jsonb) OWNER TO cascade_owner;

CREATE FUNCTION cascade.check_workflow_exists(workflow text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
  if not exists (select from cascade.workflow w where w.name = $1) then
    raise exception using errcode = 'CA002', message = format('there is no workflow "%s"', left($1, 200));
  end if;
end $_$;

ALTER FUNCTION cascade.check_workflow_exists(workflow text) OWNER TO cascade_owner;

CREATE FUNCTION cascade.checked_input(workflow text, definition jsonb, input jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

ALTER FUNCTION cascade.checked_input(workflow text, definition jsonb, input jsonb) OWNER TO cascade_owner;

CREATE FUNCTION cascade.checked_most(most integer) RETURNS integer
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  if most < 1 then
    raise exception using errcode = 'CA006', message = format('%s is not positive', most);
  end if;
  return most;
end $$;

ALTER FUNCTION cascade.checked_most(most integer) OWNER TO cascade_owner;

CREATE FUNCTION cascade.checked_priority(priority integer) RETURNS smallint
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  if priority is null or priority not between 0 and 100 then
    raise exception using errcode = 'CA006', message = format('priority %s is not between 0 and 100', priority);
  end if;
  return priority;
end $$;

ALTER FUNCTION cascade.checked_priority(priority integer) OWNER TO cascade_owner;

CREATE FUNCTION cascade.checked_rate(rate double precision, per interval, burst integer, OUT per_second double precision, OUT most integer) RETURNS record
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

ALTER FUNCTION cascade.checked_rate(rate double precision, per interval, burst integer, OUT per_second double precision, OUT most integer) OWNER TO cascade_owner;

CREATE FUNCTION cascade.checked_weight(weight double precision) RETURNS double precision
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  if weight is null or weight not between 0.001 and 1000 then
    raise exception using errcode = 'CA006', message = format('weight %s is not between 0.001 and 1000', weight);
  end if;
  return weight;
end $$;

ALTER FUNCTION cascade.checked_weight(weight double precision) OWNER TO cascade_owner;

CREATE FUNCTION cascade.close_job(id bigint) RETURNS bigint
    LANGUAGE sql
    AS $$ select cascade.command_for_job('close_job', id, '{}') $$;

ALTER FUNCTION cascade.close_job(id bigint) OWNER TO cascade_owner;

CREATE FUNCTION cascade.command_for_job(kind text, id bigint, argument jsonb) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
  command_id bigint;
begin
  if not exists (select from cascade.job j where j.id = $2) then
    raise exception using errcode = 'CA005', message = format('there is no job %s', $2);
  end if;
  insert into cascade.command (kind, job_id, argument, created_by) values ($1, $2, $3, session_user)
    returning command.id into command_id;
  return command_id;
end $_$;

ALTER FUNCTION cascade.command_for_job(kind text, id bigint, argument jsonb) OWNER TO cascade_owner;

CREATE FUNCTION cascade.command_for_task(kind text, id bigint, argument jsonb) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
end $_$;

ALTER FUNCTION cascade.command_for_task(kind text, id bigint, argument jsonb) OWNER TO cascade_owner;

CREATE FUNCTION cascade.compare_jobs(after bigint, most bigint, OUT jobs bigint, OUT upto bigint, OUT wrong jsonb) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
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

ALTER FUNCTION cascade.compare_jobs(after bigint, most bigint, OUT jobs bigint, OUT upto bigint, OUT wrong jsonb) OWNER TO cascade_owner;

CREATE FUNCTION cascade.compare_others(OUT queues bigint, OUT workflows bigint, OUT wrong jsonb) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
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

ALTER FUNCTION cascade.compare_others(OUT queues bigint, OUT workflows bigint, OUT wrong jsonb) OWNER TO cascade_owner;

CREATE FUNCTION cascade.count_rows(day date, first bigint, pages bigint) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $_$
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
end $_$;

ALTER FUNCTION cascade.count_rows(day date, first bigint, pages bigint) OWNER TO cascade_owner;

CREATE FUNCTION cascade.drop_schedule(name text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
  delete from cascade.schedule s where s.name = $1;
  if not found then
    raise exception using errcode = 'CA005', message = format('there is no schedule "%s"', left($1, 200));
  end if;
end $_$;

ALTER FUNCTION cascade.drop_schedule(name text) OWNER TO cascade_owner;

CREATE FUNCTION cascade.empty_day(day date) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET lock_timeout TO '500ms'
    AS $$
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

ALTER FUNCTION cascade.empty_day(day date) OWNER TO cascade_owner;

CREATE FUNCTION cascade.explain_task(id bigint) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$ select cascade.why_lines(cascade.why_task($1), 0) $_$;

ALTER FUNCTION cascade.explain_task(id bigint) OWNER TO cascade_owner;

CREATE FUNCTION cascade.fence(epoch bigint, writer smallint, batch bigint) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $_$    -- planned while the table is small
begin
  update cascade.writer w set batch = $3 where w.epoch = $1 and w.writer = $2 and w.batch = $3 - 1;
  if not found then
    raise exception using errcode = 'CA009', message = format('epoch %s no longer owns its lanes', $1);
  end if;
  -- They are made a week ahead; this is for a service that slept longer, and for a clock that jumped.
  if to_regclass('cascade.task_' || to_char(cascade.today(), 'YYYYMMDD')) is null then
    perform cascade.make_partitions();
  end if;
end $_$;

ALTER FUNCTION cascade.fence(epoch bigint, writer smallint, batch bigint) OWNER TO cascade_owner;

CREATE FUNCTION cascade.fire_tick(schedule text, tick timestamp with time zone, by_hand boolean DEFAULT false) RETURNS text
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
end $_$;

ALTER FUNCTION cascade.fire_tick(schedule text, tick timestamp with time zone, by_hand boolean) OWNER TO cascade_owner;

CREATE FUNCTION cascade.found_priority(found_by bigint, queue text) RETURNS smallint
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
end $_$;

ALTER FUNCTION cascade.found_priority(found_by bigint, queue text) OWNER TO cascade_owner;

CREATE FUNCTION cascade.hold_counter_point() RETURNS pg_snapshot
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

ALTER FUNCTION cascade.hold_counter_point() OWNER TO cascade_owner;

CREATE FUNCTION cascade.hold_job_open(job bigint) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    AS $$
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

ALTER FUNCTION cascade.hold_job_open(job bigint) OWNER TO cascade_owner;

CREATE FUNCTION cascade.holders(queue text, key text DEFAULT NULL::text, job bigint DEFAULT NULL::bigint, workflow text DEFAULT NULL::text) RETURNS SETOF bigint
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
  select o.id
  from (select u.id, u.job_id, u.status, u.queue, u.concurrency_key, u.started_at from cascade.task_unfinished u order by u.id limit 1000) o
  where o.status = 'running' and ($1 is null or o.queue = $1) and ($2 is null or o.concurrency_key = $2)
    and ($3 is null or o.job_id = $3)
    and ($4 is null or (select j.workflow from cascade.job j where j.id = o.job_id) = $4)
  order by o.started_at, o.id limit 6;
$_$;

ALTER FUNCTION cascade.holders(queue text, key text, job bigint, workflow text) OWNER TO cascade_owner;

CREATE FUNCTION cascade.instant_of(us bigint) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    RETURN ('1970-01-01 00:00:00+00'::timestamp with time zone + ((us)::double precision * '00:00:00.000001'::interval));

ALTER FUNCTION cascade.instant_of(us bigint) OWNER TO cascade_owner;

CREATE FUNCTION cascade.instant_us(t timestamp with time zone) RETURNS bigint
    LANGUAGE sql IMMUTABLE
    RETURN ((EXTRACT(epoch FROM t) * (1000000)::numeric))::bigint;

ALTER FUNCTION cascade.instant_us(t timestamp with time zone) OWNER TO cascade_owner;

CREATE FUNCTION cascade.is_counted(status cascade.task_status, xid xid8, counted_to pg_snapshot) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    RETURN ((status > 'pending'::cascade.task_status) OR pg_visible_in_snapshot(xid, counted_to));

ALTER FUNCTION cascade.is_counted(status cascade.task_status, xid xid8, counted_to pg_snapshot) OWNER TO cascade_owner;

CREATE FUNCTION cascade.is_new_job(id bigint) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
  select exists (select from cascade.job j where j.id = $1 and j.xid = pg_current_xact_id_if_assigned())
$_$;

ALTER FUNCTION cascade.is_new_job(id bigint) OWNER TO cascade_owner;

CREATE FUNCTION cascade.is_new_task(id bigint) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
  select exists (select from cascade.task_unfinished t where t.id = $1 and t.xid = pg_current_xact_id_if_assigned())
$_$;

ALTER FUNCTION cascade.is_new_task(id bigint) OWNER TO cascade_owner;

CREATE FUNCTION cascade.is_period(unique_for interval) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    RETURN (((unique_for >= '00:00:01'::interval) AND (unique_for <= '3650 days'::interval)) AND (EXTRACT(year FROM unique_for) = (0)::numeric) AND (EXTRACT(month FROM unique_for) = (0)::numeric));

ALTER FUNCTION cascade.is_period(unique_for interval) OWNER TO cascade_owner;

CREATE FUNCTION cascade.is_settled(day date) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN (day < (((now() AT TIME ZONE 'UTC'::text))::date - 1));

ALTER FUNCTION cascade.is_settled(day date) OWNER TO cascade_owner;

CREATE FUNCTION cascade.key_is_taken(id bigint, key text, unique_for interval, created_at timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $_$
begin
  return exists (select from cascade.task_unfinished u
                 where u.unique_key = $2 and cascade.unique_period(u.unique_for, u.created_at) = cascade.unique_period($3, $4))
    or exists (select from cascade.kept_key k
               where k.unique_key = $2 and k.period = cascade.unique_period($3, $4) and k.task_id <> $1);
end $_$;

ALTER FUNCTION cascade.key_is_taken(id bigint, key text, unique_for interval, created_at timestamp with time zone) OWNER TO cascade_owner;

CREATE FUNCTION cascade.limit_concurrency(queue text, most integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
  if most < 1 then
    raise exception using errcode = 'CA006', message = format('concurrency %s is not positive', most);
  end if;
  insert into cascade.queue as q (name, concurrency) values ($1, $2)
    on conflict (name) do update set concurrency = excluded.concurrency, changed_at = now();
  return cascade.queue_changed($1);
end $_$;

ALTER FUNCTION cascade.limit_concurrency(queue text, most integer) OWNER TO cascade_owner;

CREATE FUNCTION cascade.limit_depth(queue text, most integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET lock_timeout TO '2s'
    AS $_$
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
end $_$;

ALTER FUNCTION cascade.limit_depth(queue text, most integer) OWNER TO cascade_owner;

CREATE FUNCTION cascade.limit_job(id bigint, most integer) RETURNS bigint
    LANGUAGE sql
    AS $$ select cascade.command_for_job('limit_job', id, jsonb_build_object('concurrency', cascade.checked_most(most))) $$;

ALTER FUNCTION cascade.limit_job(id bigint, most integer) OWNER TO cascade_owner;

CREATE FUNCTION cascade.limit_key_concurrency(queue text, most integer DEFAULT 1, when_full text DEFAULT NULL::text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
end $_$;

ALTER FUNCTION cascade.limit_key_concurrency(queue text, most integer, when_full text) OWNER TO cascade_owner;

CREATE FUNCTION cascade.limit_keys(queue text, rate double precision, per interval DEFAULT '00:00:01'::interval, burst integer DEFAULT NULL::integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
  c record := cascade.checked_rate(rate, per, burst);
begin
  insert into cascade.queue as q (name, key_rate, key_burst) values ($1, c.per_second, c.most)
    on conflict (name) do update set key_rate = excluded.key_rate, key_burst = excluded.key_burst, changed_at = now();
  return cascade.queue_changed($1);
end $_$;

ALTER FUNCTION cascade.limit_keys(queue text, rate double precision, per interval, burst integer) OWNER TO cascade_owner;

CREATE FUNCTION cascade.limit_queue(queue text, rate double precision, per interval DEFAULT '00:00:01'::interval, burst integer DEFAULT NULL::integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
  c record := cascade.checked_rate(rate, per, burst);
begin
  insert into cascade.queue as q (name, rate, burst) values ($1, c.per_second, c.most)
    on conflict (name) do update set rate = excluded.rate, burst = excluded.burst, changed_at = now();
  return cascade.queue_changed($1);
end $_$;

ALTER FUNCTION cascade.limit_queue(queue text, rate double precision, per interval, burst integer) OWNER TO cascade_owner;

CREATE FUNCTION cascade.limit_workflow(workflow text, most integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
  perform cascade.check_workflow_exists($1);
  insert into cascade.workflow_setting as w (workflow, concurrency) values ($1, cascade.checked_most($2))
    on conflict on constraint workflow_setting_pkey do update set concurrency = excluded.concurrency, changed_at = now();
  return cascade.workflow_changed($1);
end $_$;

ALTER FUNCTION cascade.limit_workflow(workflow text, most integer) OWNER TO cascade_owner;

CREATE FUNCTION cascade.lock_unfinished(ids bigint[]) RETURNS bigint[]
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  return array(select t.id from cascade.task_unfinished t where t.id = any (ids) for no key update skip locked);
exception when serialization_failure then
  return '{}';
end $$;

ALTER FUNCTION cascade.lock_unfinished(ids bigint[]) OWNER TO cascade_owner;

CREATE FUNCTION cascade.make_partition(day date) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET lock_timeout TO '5s'
    AS $$
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

ALTER FUNCTION cascade.make_partition(day date) OWNER TO cascade_owner;

CREATE FUNCTION cascade.today() RETURNS date
    LANGUAGE sql STABLE
    RETURN ((statement_timestamp() AT TIME ZONE 'UTC'::text))::date;

ALTER FUNCTION cascade.today() OWNER TO cascade_owner;

CREATE FUNCTION cascade.make_partitions() RETURNS bigint
    LANGUAGE sql
    RETURN (SELECT sum(cascade.make_partition((cascade.today() + d.d))) AS sum FROM generate_series('-1'::integer, 7) d(d));

ALTER FUNCTION cascade.make_partitions() OWNER TO cascade_owner;

CREATE FUNCTION cascade.owned_lanes() RETURNS integer[]
    LANGUAGE sql STABLE
    RETURN (SELECT COALESCE(array_agg(((l.objid)::bigint)::integer), '{}'::integer[]) AS "coalesce" FROM pg_locks l WHERE ((l.locktype = 'advisory'::text) AND (l.classid = (727001)::oid) AND l.granted AND (l.database = (SELECT d.oid FROM pg_database d WHERE (d.datname = current_database())))));

ALTER FUNCTION cascade.owned_lanes() OWNER TO cascade_owner;

CREATE FUNCTION cascade.param_problem(spec jsonb, value jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select case
    when coalesce(spec->>'type', 'any') = 'any' then null
    when spec->>'type' = 'integer' then
      case when jsonb_typeof(value) = 'number' and value::numeric = trunc(value::numeric) then null
           else 'must be an integer, not ' || left(value::text, 60) end
    when jsonb_typeof(value) = spec->>'type' then null
    else format('must be of type %s, not %s', spec->>'type', jsonb_typeof(value))
  end;
$$;

ALTER FUNCTION cascade.param_problem(spec jsonb, value jsonb) OWNER TO cascade_owner;

CREATE FUNCTION cascade.pause_job(id bigint) RETURNS bigint
    LANGUAGE sql
    AS $$ select cascade.command_for_job('pause_job', id, '{}') $$;

ALTER FUNCTION cascade.pause_job(id bigint) OWNER TO cascade_owner;

CREATE FUNCTION cascade.pause_queue(queue text) RETURNS bigint
    LANGUAGE sql
    AS $$ select cascade.change_queue(queue, true) $$;

ALTER FUNCTION cascade.pause_queue(queue text) OWNER TO cascade_owner;

CREATE FUNCTION cascade.pause_schedule(name text) RETURNS boolean
    LANGUAGE sql
    AS $$ select cascade.change_schedule(name, true) $$;

ALTER FUNCTION cascade.pause_schedule(name text) OWNER TO cascade_owner;

CREATE FUNCTION cascade.pause_workflow(name text) RETURNS bigint
    LANGUAGE sql
    AS $$ select cascade.change_workflow(name, true) $$;

ALTER FUNCTION cascade.pause_workflow(name text) OWNER TO cascade_owner;

CREATE FUNCTION cascade.plan_reconciling() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

ALTER FUNCTION cascade.plan_reconciling() OWNER TO cascade_owner;

CREATE FUNCTION cascade.queue_changed(queue text) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
  insert into cascade.command (kind, queue, created_by) values ('queue_changed', $1, session_user) returning id;
$_$;

ALTER FUNCTION cascade.queue_changed(queue text) OWNER TO cascade_owner;

CREATE FUNCTION cascade.queue_depth(queue text) RETURNS bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
  return coalesce((select c.waiting + c.pending from cascade.queue_counter c where c.queue = $1), 0)
    + coalesce((select sum(d.n) from cascade.counter_delta d where d.queue = $1 and d.status <= 'pending'), 0)
    + coalesce((select sum(a.n) from cascade.arrived() a where a.queue = $1), 0);
end $_$;

ALTER FUNCTION cascade.queue_depth(queue text) OWNER TO cascade_owner;

CREATE FUNCTION cascade.reconcile_step() RETURNS json
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

ALTER FUNCTION cascade.reconcile_step() OWNER TO cascade_owner;

CREATE FUNCTION cascade.refer_to(task_id bigint, found_by bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
end $_$;

ALTER FUNCTION cascade.refer_to(task_id bigint, found_by bigint) OWNER TO cascade_owner;

CREATE FUNCTION cascade.refuse_kept_key(id bigint, unique_key text, unique_for interval, created_at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
end $_$;

ALTER FUNCTION cascade.refuse_kept_key(id bigint, unique_key text, unique_for interval, created_at timestamp with time zone) OWNER TO cascade_owner;

CREATE FUNCTION cascade.refuse_task(problem text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    AS $$
begin
  raise exception using errcode = '23514', schema = 'cascade', table = 'task', message = pg_catalog.concat('new task: ', problem);
end $$;

ALTER FUNCTION cascade.refuse_task(problem text) OWNER TO cascade_owner;

CREATE FUNCTION cascade.reschedule_task(task_id bigint, run_at timestamp with time zone) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
end $_$;

ALTER FUNCTION cascade.reschedule_task(task_id bigint, run_at timestamp with time zone) OWNER TO cascade_owner;

CREATE FUNCTION cascade.resume_job(id bigint) RETURNS bigint
    LANGUAGE sql
    AS $$ select cascade.command_for_job('resume_job', id, '{}') $$;

ALTER FUNCTION cascade.resume_job(id bigint) OWNER TO cascade_owner;

CREATE FUNCTION cascade.resume_queue(queue text) RETURNS bigint
    LANGUAGE sql
    AS $$ select cascade.change_queue(queue, false) $$;

ALTER FUNCTION cascade.resume_queue(queue text) OWNER TO cascade_owner;

CREATE FUNCTION cascade.resume_schedule(name text) RETURNS boolean
    LANGUAGE sql
    AS $$ select cascade.change_schedule(name, false) $$;

ALTER FUNCTION cascade.resume_schedule(name text) OWNER TO cascade_owner;

CREATE FUNCTION cascade.resume_workflow(name text) RETURNS bigint
    LANGUAGE sql
    AS $$ select cascade.change_workflow(name, false) $$;

ALTER FUNCTION cascade.resume_workflow(name text) OWNER TO cascade_owner;

CREATE FUNCTION cascade.retention_step(keep integer) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET lock_timeout TO '500ms'
    AS $_$
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
end $_$;

ALTER FUNCTION cascade.retention_step(keep integer) OWNER TO cascade_owner;

CREATE FUNCTION cascade.retry_job(id bigint) RETURNS bigint
    LANGUAGE sql
    AS $$ select cascade.command_for_job('retry_job', id, '{}') $$;

ALTER FUNCTION cascade.retry_job(id bigint) OWNER TO cascade_owner;

CREATE FUNCTION cascade.retry_task(id bigint) RETURNS bigint
    LANGUAGE sql
    AS $$ select cascade.command_for_task('retry_task', id, '{}') $$;

ALTER FUNCTION cascade.retry_task(id bigint) OWNER TO cascade_owner;

CREATE TABLE cascade.counter_delta (
    job_id bigint,
    n integer NOT NULL,
    status cascade.task_status NOT NULL,
    queue text,
    workflow text
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='20000');

ALTER TABLE cascade.counter_delta OWNER TO cascade_owner;

CREATE TABLE cascade.queue_counter (
    waiting bigint DEFAULT 0 NOT NULL,
    pending bigint DEFAULT 0 NOT NULL,
    running bigint DEFAULT 0 NOT NULL,
    completed bigint DEFAULT 0 NOT NULL,
    failed bigint DEFAULT 0 NOT NULL,
    cancelled bigint DEFAULT 0 NOT NULL,
    skipped bigint DEFAULT 0 NOT NULL,
    quarantined bigint DEFAULT 0 NOT NULL,
    queue text NOT NULL
)
WITH (fillfactor='50');

ALTER TABLE cascade.queue_counter OWNER TO cascade_owner;

CREATE FUNCTION cascade.running_in(queue text) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN (COALESCE((SELECT c.running FROM cascade.queue_counter c WHERE (c.queue = running_in.queue)), (0)::bigint) + COALESCE((SELECT sum(d.n) AS sum FROM cascade.counter_delta d WHERE ((d.queue = running_in.queue) AND (d.status = 'running'::cascade.task_status))), (0)::bigint));

ALTER FUNCTION cascade.running_in(queue text) OWNER TO cascade_owner;

CREATE TABLE cascade.job_counter (
    job_id bigint NOT NULL,
    waiting integer DEFAULT 0 NOT NULL,
    pending integer DEFAULT 0 NOT NULL,
    running integer DEFAULT 0 NOT NULL,
    completed integer DEFAULT 0 NOT NULL,
    failed integer DEFAULT 0 NOT NULL,
    cancelled integer DEFAULT 0 NOT NULL,
    skipped integer DEFAULT 0 NOT NULL,
    quarantined integer DEFAULT 0 NOT NULL
)
WITH (fillfactor='50');

ALTER TABLE cascade.job_counter OWNER TO cascade_owner;

CREATE FUNCTION cascade.running_of_job(job bigint) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN (COALESCE((SELECT c.running FROM cascade.job_counter c WHERE (c.job_id = running_of_job.job)), 0) + COALESCE((SELECT sum(d.n) AS sum FROM cascade.counter_delta d WHERE ((d.job_id = running_of_job.job) AND (d.status = 'running'::cascade.task_status))), (0)::bigint));

ALTER FUNCTION cascade.running_of_job(job bigint) OWNER TO cascade_owner;

CREATE TABLE cascade.job (
    id bigint NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    scheduled_for timestamp with time zone,
    timeout interval,
    version integer,
    concurrency integer,
    status cascade.job_status DEFAULT 'pending'::cascade.job_status NOT NULL,
    priority smallint DEFAULT 50 NOT NULL,
    keep_open boolean DEFAULT false NOT NULL,
    workflow text,
    schedule text,
    idempotency_key text,
    tenant text,
    input jsonb DEFAULT '{}'::jsonb NOT NULL,
    result jsonb,
    error text,
    CONSTRAINT job_concurrency_check CHECK ((concurrency > 0)),
    CONSTRAINT job_finished_at_of_ended CHECK (((finished_at IS NOT NULL) = (status >= 'completed'::cascade.job_status))),
    CONSTRAINT job_idempotency_key_check CHECK (((octet_length(idempotency_key) >= 1) AND (octet_length(idempotency_key) <= 1000))),
    CONSTRAINT job_input_check CHECK ((pg_column_size(input) <= 16777216)),
    CONSTRAINT job_priority_check CHECK (((priority >= 0) AND (priority <= 100))),
    CONSTRAINT job_tenant_check CHECK (((octet_length(tenant) >= 1) AND (octet_length(tenant) <= 200))),
    CONSTRAINT job_timeout_check CHECK ((timeout > '00:00:00'::interval)),
    CONSTRAINT job_version_of_workflow CHECK (((workflow IS NULL) = (version IS NULL)))
);
ALTER TABLE ONLY cascade.job ALTER COLUMN input SET COMPRESSION lz4;
ALTER TABLE ONLY cascade.job ALTER COLUMN result SET COMPRESSION lz4;

ALTER TABLE cascade.job OWNER TO cascade_owner;

COMMENT ON TABLE cascade.job IS 'One run of a workflow, or (workflow null) a container for tasks that are added to it.';

COMMENT ON COLUMN cascade.job.concurrency IS 'How many of its tasks run at a time; null: no limit.';

COMMENT ON COLUMN cascade.job.schedule IS 'Of which schedule it is a tick, the one of scheduled_for; set by cascade.fire_tick alone.';

COMMENT ON COLUMN cascade.job.idempotency_key IS 'A second job with it is the first one: cascade.start_job.';

COMMENT ON COLUMN cascade.job.tenant IS 'For whom it runs: the tenant of its tasks, but of those that name their own.';

CREATE TABLE cascade.workflow_counter (
    waiting bigint DEFAULT 0 NOT NULL,
    pending bigint DEFAULT 0 NOT NULL,
    running bigint DEFAULT 0 NOT NULL,
    completed bigint DEFAULT 0 NOT NULL,
    failed bigint DEFAULT 0 NOT NULL,
    cancelled bigint DEFAULT 0 NOT NULL,
    skipped bigint DEFAULT 0 NOT NULL,
    quarantined bigint DEFAULT 0 NOT NULL,
    workflow text NOT NULL
)
WITH (fillfactor='50');

ALTER TABLE cascade.workflow_counter OWNER TO cascade_owner;

CREATE FUNCTION cascade.running_of_workflow(workflow text) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN (COALESCE((SELECT c.running FROM cascade.workflow_counter c WHERE (c.workflow = running_of_workflow.workflow)), (0)::bigint) + COALESCE((SELECT sum(d.n) AS sum FROM cascade.counter_delta d WHERE ((d.status = 'running'::cascade.task_status) AND ((d.workflow IS NOT NULL) OR ((d.job_id IS NOT NULL) AND (d.queue IS NOT NULL))) AND (COALESCE(d.workflow, (SELECT j.workflow FROM cascade.job j WHERE (j.id = d.job_id))) = running_of_workflow.workflow))), (0)::bigint));

ALTER FUNCTION cascade.running_of_workflow(workflow text) OWNER TO cascade_owner;

CREATE FUNCTION cascade.set_decay(queue text, decay double precision) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
  if decay is null or decay not between 0 and 1 then
    raise exception using errcode = 'CA006', message = format('decay %s is not between 0 and 1', decay);
  end if;
  insert into cascade.queue as q (name, decay) values ($1, $2)
    on conflict (name) do update set decay = excluded.decay, changed_at = now();
end $_$;

ALTER FUNCTION cascade.set_decay(queue text, decay double precision) OWNER TO cascade_owner;

CREATE FUNCTION cascade.set_priority(job_id bigint, priority integer) RETURNS bigint
    LANGUAGE sql
    AS $_$ insert into cascade.priority_change (job_id, priority) values ($1, cascade.checked_priority($2)) returning id $_$;

ALTER FUNCTION cascade.set_priority(job_id bigint, priority integer) OWNER TO cascade_owner;

CREATE FUNCTION cascade.set_task_priority(task_id bigint, priority integer) RETURNS bigint
    LANGUAGE sql
    AS $_$ insert into cascade.priority_change (task_id, priority) values ($1, cascade.checked_priority($2)) returning id $_$;

ALTER FUNCTION cascade.set_task_priority(task_id bigint, priority integer) OWNER TO cascade_owner;

CREATE FUNCTION cascade.space_keys(queue text, gap interval) RETURNS bigint
    LANGUAGE sql
    AS $$ select cascade.limit_keys(queue, case when gap is not null then 1 end, gap, 1) $$;

ALTER FUNCTION cascade.space_keys(queue text, gap interval) OWNER TO cascade_owner;

CREATE FUNCTION cascade.start_job(workflow text DEFAULT NULL::text, input jsonb DEFAULT '{}'::jsonb, priority integer DEFAULT 50, keep_open boolean DEFAULT false, timeout interval DEFAULT NULL::interval, idempotency_key text DEFAULT NULL::text, concurrency integer DEFAULT NULL::integer, tenant text DEFAULT NULL::text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
end $_$;

ALTER FUNCTION cascade.start_job(workflow text, input jsonb, priority integer, keep_open boolean, timeout interval, idempotency_key text, concurrency integer, tenant text) OWNER TO cascade_owner;

CREATE TABLE cascade.schedule (
    every interval,
    jitter interval DEFAULT '00:00:00'::interval NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    starts_at timestamp with time zone,
    ends_at timestamp with time zone,
    handled_to timestamp with time zone DEFAULT now() NOT NULL,
    next_tick timestamp with time zone,
    catch_up_max integer DEFAULT 10 NOT NULL,
    priority smallint DEFAULT 50 NOT NULL,
    paused boolean DEFAULT false NOT NULL,
    name text NOT NULL,
    cron text,
    time_zone text DEFAULT 'UTC'::text NOT NULL,
    workflow text,
    handler text,
    queue text,
    tenant text,
    tick_parameter text,
    catch_up text DEFAULT 'last'::text NOT NULL,
    overlap text DEFAULT 'allow'::text NOT NULL,
    input jsonb DEFAULT '{}'::jsonb NOT NULL,
    problem text,
    CONSTRAINT schedule_catch_up_check CHECK ((catch_up = ANY (ARRAY['skip'::text, 'last'::text, 'all'::text]))),
    CONSTRAINT schedule_catch_up_max_check CHECK (((catch_up_max >= 1) AND (catch_up_max <= 1000))),
    CONSTRAINT schedule_cron_check CHECK (((octet_length(cron) >= 1) AND (octet_length(cron) <= 200))),
    CONSTRAINT schedule_ends_after_it_starts CHECK ((ends_at > starts_at)),
    CONSTRAINT schedule_ends_at_check CHECK (isfinite(ends_at)),
    CONSTRAINT schedule_every_check CHECK ((((every >= '00:00:01'::interval) AND (every <= '3650 days'::interval)) AND (EXTRACT(year FROM every) = (0)::numeric) AND (EXTRACT(month FROM every) = (0)::numeric))),
    CONSTRAINT schedule_handled_to_check CHECK (isfinite(handled_to)),
    CONSTRAINT schedule_handler_check CHECK (((octet_length(handler) >= 1) AND (octet_length(handler) <= 200))),
    CONSTRAINT schedule_input_check CHECK (((jsonb_typeof(input) = 'object'::text) AND (pg_column_size(input) <= 16777216))),
    CONSTRAINT schedule_jitter_check CHECK (((jitter >= '00:00:00'::interval) AND (jitter <= '1 day'::interval))),
    CONSTRAINT schedule_name_check CHECK (((octet_length(name) >= 1) AND (octet_length(name) <= 200))),
    CONSTRAINT schedule_one_of_cron_and_every CHECK (((cron IS NULL) <> (every IS NULL))),
    CONSTRAINT schedule_one_of_workflow_and_handler CHECK (((workflow IS NULL) <> (handler IS NULL))),
    CONSTRAINT schedule_overlap_check CHECK ((overlap = ANY (ARRAY['allow'::text, 'skip'::text, 'queue'::text, 'cancel'::text]))),
    CONSTRAINT schedule_priority_check CHECK (((priority >= 0) AND (priority <= 100))),
    CONSTRAINT schedule_queue_check CHECK (((octet_length(queue) >= 1) AND (octet_length(queue) <= 200))),
    CONSTRAINT schedule_queue_only_with_handler CHECK (((queue IS NULL) OR (handler IS NOT NULL))),
    CONSTRAINT schedule_starts_at_check CHECK (isfinite(starts_at)),
    CONSTRAINT schedule_tenant_check CHECK (((octet_length(tenant) >= 1) AND (octet_length(tenant) <= 200))),
    CONSTRAINT schedule_tick_parameter_check CHECK (((octet_length(tick_parameter) >= 1) AND (octet_length(tick_parameter) <= 200))),
    CONSTRAINT schedule_time_zone_check CHECK (((octet_length(time_zone) >= 1) AND (octet_length(time_zone) <= 100))),
    CONSTRAINT schedule_workflow_check CHECK (((octet_length(workflow) >= 1) AND (octet_length(workflow) <= 200)))
);

ALTER TABLE cascade.schedule OWNER TO cascade_owner;

COMMENT ON TABLE cascade.schedule IS 'When a workflow or a handler is to run again and again. The engine writes handled_to, next_tick and problem.';

COMMENT ON COLUMN cascade.schedule.handled_to IS 'Ticks up to here have been dealt with.';

COMMENT ON COLUMN cascade.schedule.problem IS 'Why its times cannot be understood.';

CREATE FUNCTION cascade.start_queued_tick(s cascade.schedule) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

ALTER FUNCTION cascade.start_queued_tick(s cascade.schedule) OWNER TO cascade_owner;

CREATE FUNCTION cascade.start_queued_ticks() RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

ALTER FUNCTION cascade.start_queued_ticks() OWNER TO cascade_owner;

CREATE FUNCTION cascade.start_scheduled(s cascade.schedule, tick timestamp with time zone, OUT job_id bigint, OUT problem text) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

ALTER FUNCTION cascade.start_scheduled(s cascade.schedule, tick timestamp with time zone, OUT job_id bigint, OUT problem text) OWNER TO cascade_owner;

CREATE FUNCTION cascade.take_over(name text, pid integer, version text, tags text[], handlers text[], writers integer, OUT epoch bigint, OUT unclean boolean) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
#variable_conflict use_column
begin
  delete from cascade.writer;    -- waits for the batches that are under way
  update cascade.node n set stopped_at = now() where n.stopped_at is null;
  insert into cascade.node as n (name, pid, version, tags, handlers) values ($1, $2, $3, $4, $5)
    returning n.epoch into take_over.epoch;
  insert into cascade.writer (epoch, writer) select take_over.epoch, w from generate_series(0, $6 - 1) w;
  select bool_or(not l.clean) into take_over.unclean from cascade.lane l;
  update cascade.lane l set epoch = take_over.epoch, acquired_at = now(), clean = false;
end $_$;

ALTER FUNCTION cascade.take_over(name text, pid integer, version text, tags text[], handlers text[], writers integer, OUT epoch bigint, OUT unclean boolean) OWNER TO cascade_owner;

CREATE FUNCTION cascade.tg_command_inserted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  perform pg_notify('cascade.doorbell', 'all');    -- commands are rare
  return null;
end $$;

ALTER FUNCTION cascade.tg_command_inserted() OWNER TO cascade_owner;

CREATE FUNCTION cascade.tg_job_guard() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  raise exception using errcode = 'CA001',
    message = format('job %s: only the engine changes the state of a job', old.id),
    hint = 'Insert a command instead: cascade.cancel_job(id), cascade.retry_job(id), cascade.pause_job(id).';
end $$;

ALTER FUNCTION cascade.tg_job_guard() OWNER TO cascade_owner;

CREATE FUNCTION cascade.tg_job_inserted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  if not pg_try_advisory_xact_lock_shared(727002, pg_backend_pid() & 15) then
    perform cascade.ring('all');
  end if;
  return null;
end $$;

ALTER FUNCTION cascade.tg_job_inserted() OWNER TO cascade_owner;

CREATE FUNCTION cascade.tg_job_pin() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

ALTER FUNCTION cascade.tg_job_pin() OWNER TO cascade_owner;

CREATE FUNCTION cascade.tg_priority_change_inserted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  perform pg_notify('cascade.priority', '');
  return null;
end $$;

ALTER FUNCTION cascade.tg_priority_change_inserted() OWNER TO cascade_owner;

CREATE FUNCTION cascade.tg_priority_change_inserting() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

ALTER FUNCTION cascade.tg_priority_change_inserting() OWNER TO cascade_owner;

CREATE FUNCTION cascade.tg_schedule_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  if tg_op = 'DELETE' or tg_op = 'UPDATE' and old.name <> new.name then
    update cascade.schedule_tick t set outcome = 'skipped', error = 'the schedule was dropped'
      where t.schedule = old.name and t.outcome = 'queued';
  end if;
  perform cascade.announce_schedules();
  return null;
end $$;

ALTER FUNCTION cascade.tg_schedule_changed() OWNER TO cascade_owner;

CREATE FUNCTION cascade.tg_schedule_changing() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

ALTER FUNCTION cascade.tg_schedule_changing() OWNER TO cascade_owner;

CREATE FUNCTION cascade.tg_scheduled_job_ended() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

ALTER FUNCTION cascade.tg_scheduled_job_ended() OWNER TO cascade_owner;

CREATE FUNCTION cascade.tg_task_deleted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  counted_to pg_snapshot := cascade.hold_counter_point();
begin
  insert into cascade.counter_delta (job_id, queue, status, n)
    select o.job_id, o.queue, o.status, -count(*) from before o where cascade.is_counted(o.status, o.xid, counted_to)
    group by 1, 2, 3;
  return null;
end $$;

ALTER FUNCTION cascade.tg_task_deleted() OWNER TO cascade_owner;

CREATE FUNCTION cascade.tg_task_depth() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

ALTER FUNCTION cascade.tg_task_depth() OWNER TO cascade_owner;

CREATE FUNCTION cascade.tg_task_guard() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

ALTER FUNCTION cascade.tg_task_guard() OWNER TO cascade_owner;

CREATE FUNCTION cascade.tg_task_inserting() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

ALTER FUNCTION cascade.tg_task_inserting() OWNER TO cascade_owner;

CREATE FUNCTION cascade.tg_task_key_kept() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

ALTER FUNCTION cascade.tg_task_key_kept() OWNER TO cascade_owner;

CREATE FUNCTION cascade.tg_task_refuse() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  raise exception using errcode = 'CA001', message = 'only the engine changes the state of a task',
    hint = 'Insert a command instead: cascade.cancel_task(id), cascade.retry_task(id), cascade.pause_job(id).';
end $$;

ALTER FUNCTION cascade.tg_task_refuse() OWNER TO cascade_owner;

CREATE FUNCTION cascade.tg_task_updated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

ALTER FUNCTION cascade.tg_task_updated() OWNER TO cascade_owner;

CREATE FUNCTION cascade.trigger_schedule(name text, OUT tick timestamp with time zone, OUT outcome text, OUT job_id bigint, OUT error text) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
  perform from cascade.schedule s where s.name = $1 for no key update;
  if not found then
    raise exception using errcode = 'CA005', message = format('there is no schedule "%s"', left($1, 200));
  end if;
  tick := clock_timestamp();
  perform cascade.fire_tick($1, tick, true);
  select t.outcome, t.job_id, t.error into outcome, job_id, error
    from cascade.schedule_tick t where t.schedule = $1 and t.tick = trigger_schedule.tick;
end $_$;

ALTER FUNCTION cascade.trigger_schedule(name text, OUT tick timestamp with time zone, OUT outcome text, OUT job_id bigint, OUT error text) OWNER TO cascade_owner;

CREATE FUNCTION cascade.unique_holder(key text, unique_for interval, OUT id bigint, OUT open boolean) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $_$
#variable_conflict use_column
begin
  select u.id, u.status < 'running' into unique_holder.id, unique_holder.open
    from cascade.task_unfinished u
    where u.unique_key = $1 and cascade.unique_period(u.unique_for, u.created_at) = cascade.unique_period($2, now());
  if not found then
    select k.task_id, false into unique_holder.id, unique_holder.open
      from cascade.kept_key k where k.unique_key = $1 and k.period = cascade.unique_period($2, now());
  end if;
end $_$;

ALTER FUNCTION cascade.unique_holder(key text, unique_for interval, OUT id bigint, OUT open boolean) OWNER TO cascade_owner;

CREATE FUNCTION cascade.unique_period(unique_for interval, created_at timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE
    RETURN COALESCE(date_bin(unique_for, created_at, '1970-01-01 00:00:00+00'::timestamp with time zone), '-infinity'::timestamp with time zone);

ALTER FUNCTION cascade.unique_period(unique_for interval, created_at timestamp with time zone) OWNER TO cascade_owner;

CREATE FUNCTION cascade.utc_text(t timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE
    RETURN ((to_char((t AT TIME ZONE 'UTC'::text), 'YYYY-MM-DD"T"HH24:MI:SS'::text) || CASE WHEN (t = date_trunc('second'::text, t)) THEN ''::text ELSE to_char((t AT TIME ZONE 'UTC'::text), '.US'::text) END) || 'Z'::text);

ALTER FUNCTION cascade.utc_text(t timestamp with time zone) OWNER TO cascade_owner;

CREATE FUNCTION cascade.verdict_of(status cascade.task_status, reason cascade.waiting_reason, run_at timestamp with time zone, paused boolean, owned boolean, capable boolean, used_up boolean, rated boolean) RETURNS cascade.task_verdict
    LANGUAGE sql STABLE
    RETURN CASE WHEN (status >= 'completed'::cascade.task_status) THEN ((status)::text)::cascade.task_verdict WHEN (status = 'running'::cascade.task_status) THEN CASE WHEN owned THEN 'running'::cascade.task_verdict ELSE 'no_owner'::cascade.task_verdict END WHEN (reason = 'dependency'::cascade.waiting_reason) THEN 'dependency'::cascade.task_verdict WHEN ((reason = ANY (ARRAY['delay'::cascade.waiting_reason, 'retry_backoff'::cascade.waiting_reason])) AND (run_at > statement_timestamp())) THEN ((reason)::text)::cascade.task_verdict WHEN paused THEN 'paused'::cascade.task_verdict WHEN (NOT owned) THEN 'no_owner'::cascade.task_verdict WHEN (NOT capable) THEN 'no_capable_worker'::cascade.task_verdict WHEN used_up THEN 'concurrency_limit'::cascade.task_verdict WHEN rated THEN 'rate_limit'::cascade.task_verdict ELSE 'worker_capacity'::cascade.task_verdict END;

ALTER FUNCTION cascade.verdict_of(status cascade.task_status, reason cascade.waiting_reason, run_at timestamp with time zone, paused boolean, owned boolean, capable boolean, used_up boolean, rated boolean) OWNER TO cascade_owner;

CREATE FUNCTION cascade.weigh_queue(queue text, weight double precision DEFAULT 1) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
  insert into cascade.queue as q (name, weight) values ($1, cascade.checked_weight($2))
    on conflict (name) do update set weight = excluded.weight, changed_at = now();
  return cascade.queue_changed($1);
end $_$;

ALTER FUNCTION cascade.weigh_queue(queue text, weight double precision) OWNER TO cascade_owner;

CREATE FUNCTION cascade.weigh_tenant(queue text, tenant text, weight double precision DEFAULT 1) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
  if cascade.checked_weight($3) = 1 then
    delete from cascade.tenant t where t.queue = $1 and t.tenant = $2;
  else
    insert into cascade.tenant as t (queue, tenant, weight) values ($1, $2, $3)
      on conflict on constraint tenant_pkey do update set weight = excluded.weight;
  end if;
  return cascade.queue_changed($1);
end $_$;

ALTER FUNCTION cascade.weigh_tenant(queue text, tenant text, weight double precision) OWNER TO cascade_owner;

CREATE FUNCTION cascade.why_lines(link jsonb, indent integer) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  return concat(repeat('  ', indent), case when link ? 'task' then 'task ' || (link->>'task') else 'lane ' || (link->>'lane') end,
      ' (' || (link->>'step') || coalesce(', item ' || (link->>'item'), '') || ')', ': ', link->>'verdict', '. ', link->>'text')
    || coalesce((select string_agg(e'\n' || cascade.why_lines(b, indent + 1), '' order by n)
                 from jsonb_array_elements(link->'because') with ordinality x(b, n)), '')
    || case when link ? 'more' then e'\n' || repeat('  ', indent + 1) || 'and others' else '' end;
end $$;

ALTER FUNCTION cascade.why_lines(link jsonb, indent integer) OWNER TO cascade_owner;

CREATE FUNCTION cascade.why_link(id bigint, depth integer DEFAULT 10) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_nestloop TO 'on'
    SET jit TO 'off'
    AS $_$
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
end $_$;

ALTER FUNCTION cascade.why_link(id bigint, depth integer) OWNER TO cascade_owner;

CREATE FUNCTION cascade.why_task(id bigint) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
  link jsonb := cascade.why_link($1);
begin
  if link is null then
    raise exception using errcode = 'CA005', message = format('there is no task %s', $1);
  end if;
  return link || '{"source": "rows"}';
end $_$;

ALTER FUNCTION cascade.why_task(id bigint) OWNER TO cascade_owner;

CREATE FUNCTION cascade.workflow_changed(workflow text) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
  insert into cascade.command (kind, argument, created_by)
  values ('workflow_changed', jsonb_build_object('workflow', $1), session_user) returning id;
$_$;

ALTER FUNCTION cascade.workflow_changed(workflow text) OWNER TO cascade_owner;

CREATE TABLE cascade.attempt_log (
    task_id bigint NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone NOT NULL,
    epoch bigint,
    finished_on date NOT NULL,
    attempt smallint NOT NULL,
    outcome text NOT NULL,
    result jsonb,
    error text,
    CONSTRAINT attempt_log_outcome_check CHECK ((outcome = ANY (ARRAY['failed'::text, 'lost'::text, 'cancelled'::text])))
)
PARTITION BY LIST (finished_on);

ALTER TABLE cascade.attempt_log OWNER TO cascade_owner;

CREATE TABLE cascade.node (
    epoch bigint NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    stopped_at timestamp with time zone,
    pid integer NOT NULL,
    name text NOT NULL,
    version text NOT NULL,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    handlers text[] DEFAULT '{}'::text[] NOT NULL
);

ALTER TABLE cascade.node OWNER TO cascade_owner;

COMMENT ON TABLE cascade.node IS 'One row each time a node takes up work.';

CREATE VIEW cascade.attempts AS
 SELECT l.task_id,
    l.attempt,
    l.outcome,
    l.started_at,
    l.finished_at,
    n.name AS node,
    l.result,
    l.error
   FROM (cascade.attempt_log l
     LEFT JOIN cascade.node n ON ((n.epoch = l.epoch)))
UNION ALL
 SELECT t.id AS task_id,
    t.attempt,
        CASE
            WHEN (t.status = 'running'::cascade.task_status) THEN 'running'::text
            WHEN (t.status = 'waiting'::cascade.task_status) THEN 'failed'::text
            ELSE (t.status)::text
        END AS outcome,
    t.started_at,
    t.finished_at,
    n.name AS node,
    t.result,
    t.error
   FROM (cascade.task t
     LEFT JOIN cascade.node n ON ((n.epoch = t.epoch)))
  WHERE ((t.attempt > 0) AND (t.status >= 'running'::cascade.task_status) AND (t.started_at IS NOT NULL));

ALTER TABLE cascade.attempts OWNER TO cascade_owner;

CREATE TABLE cascade.command (
    id bigint NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    applied_at timestamp with time zone,
    job_id bigint,
    task_id bigint,
    kind text NOT NULL,
    queue text,
    created_by text DEFAULT CURRENT_USER NOT NULL,
    argument jsonb DEFAULT '{}'::jsonb NOT NULL,
    outcome text,
    CONSTRAINT command_kind_check CHECK ((kind = ANY (ARRAY['cancel_job'::text, 'cancel_task'::text, 'retry_task'::text, 'retry_job'::text, 'change_task'::text, 'pause_job'::text, 'resume_job'::text, 'close_job'::text, 'queue_changed'::text, 'schedules_changed'::text, 'limit_job'::text, 'workflow_changed'::text])))
);

ALTER TABLE cascade.command OWNER TO cascade_owner;

ALTER TABLE cascade.command ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME cascade.command_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE UNLOGGED TABLE cascade.counted_day (
    counted_at timestamp with time zone NOT NULL,
    day date NOT NULL
);

ALTER TABLE cascade.counted_day OWNER TO cascade_owner;

CREATE TABLE cascade.counter_point (
    one boolean DEFAULT true NOT NULL,
    counted_to pg_snapshot NOT NULL,
    CONSTRAINT counter_point_one_check CHECK (one)
);

ALTER TABLE cascade.counter_point OWNER TO cascade_owner;

CREATE TABLE cascade.counter_repair (
    repaired_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    off_by bigint NOT NULL,
    status cascade.task_status NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    CONSTRAINT counter_repair_kind_check CHECK ((kind = ANY (ARRAY['job'::text, 'queue'::text, 'workflow'::text])))
);

ALTER TABLE cascade.counter_repair OWNER TO cascade_owner;

COMMENT ON TABLE cascade.counter_repair IS 'A counter that was wrong, by how much, and when that was repaired.';

CREATE UNLOGGED TABLE cascade.day_count (
    job_id bigint,
    n bigint NOT NULL,
    day date NOT NULL,
    status cascade.task_status NOT NULL,
    queue text
);

ALTER TABLE cascade.day_count OWNER TO cascade_owner;

CREATE VIEW cascade.engine_task AS
 SELECT t.xid,
    t.id,
    t.job_id,
    t.status,
    t.waiting_reason,
    t.priority,
        CASE
            WHEN (t.waiting_reason = ANY (ARRAY['delay'::cascade.waiting_reason, 'retry_backoff'::cascade.waiting_reason])) THEN ((EXTRACT(epoch FROM t.run_at) * (1000000)::numeric))::bigint
            ELSE NULL::bigint
        END AS due_at_us,
    t.run_at,
        CASE
            WHEN ((t.start_within IS NOT NULL) AND (t.attempt = 0)) THEN ((EXTRACT(epoch FROM (t.run_at + t.start_within)) * (1000000)::numeric))::bigint
            ELSE NULL::bigint
        END AS start_by_us,
    t.queue,
    t.handler,
    t.attempt,
    t.max_attempts,
    t.item,
    t.step,
    ((EXTRACT(epoch FROM t.timeout) * (1000)::numeric))::bigint AS timeout_ms,
    (t.retry)::text AS retry,
    (t.command)::text AS command,
    t.rate_key,
    t.concurrency_key,
    t.tenant,
    t.requires,
    t.payload
   FROM cascade.task t
  WHERE (t.finished_on IS NULL);

ALTER TABLE cascade.engine_task OWNER TO cascade_owner;

ALTER TABLE cascade.job ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME cascade.job_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE VIEW cascade.jobs AS
 SELECT j.id,
    j.workflow,
    j.version,
    j.status,
    j.priority,
    j.input,
    j.result,
    j.error,
    j.created_at,
    j.started_at,
    j.finished_at,
    j.keep_open,
    j.timeout,
    j.concurrency,
    j.schedule,
    j.scheduled_for,
    j.idempotency_key,
    j.tenant,
    ((COALESCE(c.waiting, 0))::numeric + COALESCE(d.waiting, (0)::numeric)) AS waiting,
    ((COALESCE(c.pending, 0))::numeric + COALESCE(d.pending, (0)::numeric)) AS pending,
    ((COALESCE(c.running, 0))::numeric + COALESCE(d.running, (0)::numeric)) AS running,
    ((COALESCE(c.completed, 0))::numeric + COALESCE(d.completed, (0)::numeric)) AS completed,
    ((COALESCE(c.failed, 0))::numeric + COALESCE(d.failed, (0)::numeric)) AS failed,
    ((COALESCE(c.cancelled, 0))::numeric + COALESCE(d.cancelled, (0)::numeric)) AS cancelled,
    ((COALESCE(c.skipped, 0))::numeric + COALESCE(d.skipped, (0)::numeric)) AS skipped,
    ((COALESCE(c.quarantined, 0))::numeric + COALESCE(d.quarantined, (0)::numeric)) AS quarantined
   FROM ((cascade.job j
     LEFT JOIN cascade.job_counter c ON ((c.job_id = j.id)))
     LEFT JOIN ( SELECT x.job_id,
            sum(x.n) FILTER (WHERE (x.status = 'waiting'::cascade.task_status)) AS waiting,
            sum(x.n) FILTER (WHERE (x.status = 'pending'::cascade.task_status)) AS pending,
            sum(x.n) FILTER (WHERE (x.status = 'running'::cascade.task_status)) AS running,
            sum(x.n) FILTER (WHERE (x.status = 'completed'::cascade.task_status)) AS completed,
            sum(x.n) FILTER (WHERE (x.status = 'failed'::cascade.task_status)) AS failed,
            sum(x.n) FILTER (WHERE (x.status = 'cancelled'::cascade.task_status)) AS cancelled,
            sum(x.n) FILTER (WHERE (x.status = 'skipped'::cascade.task_status)) AS skipped,
            sum(x.n) FILTER (WHERE (x.status = 'quarantined'::cascade.task_status)) AS quarantined
           FROM ( SELECT counter_delta.job_id,
                    counter_delta.status,
                    counter_delta.n
                   FROM cascade.counter_delta
                UNION ALL
                 SELECT arrived.job_id,
                    arrived.status,
                    arrived.n
                   FROM cascade.arrived() arrived(job_id, queue, status, n)) x
          WHERE (x.job_id IS NOT NULL)
          GROUP BY x.job_id) d ON ((d.job_id = j.id)));

ALTER TABLE cascade.jobs OWNER TO cascade_owner;

CREATE TABLE cascade.kept_key (
    task_id bigint NOT NULL,
    period timestamp with time zone NOT NULL,
    free_at timestamp with time zone,
    finished_on date NOT NULL,
    unique_key text NOT NULL
);

ALTER TABLE cascade.kept_key OWNER TO cascade_owner;

COMMENT ON TABLE cascade.kept_key IS 'Unique keys of finished tasks that keep them (unique_states).';

COMMENT ON COLUMN cascade.kept_key.free_at IS 'The end of the period; null: when retention takes the task away.';

CREATE TABLE cascade.lane (
    epoch bigint DEFAULT 0 NOT NULL,
    acquired_at timestamp with time zone,
    lane smallint NOT NULL,
    clean boolean DEFAULT true NOT NULL,
    CONSTRAINT lane_lane_check CHECK (((lane >= 0) AND (lane <= 63)))
)
WITH (autovacuum_analyze_threshold='1000000');

ALTER TABLE cascade.lane OWNER TO cascade_owner;

COMMENT ON COLUMN cascade.lane.clean IS 'False while somebody owns the lane: found false at a takeover, the last owner died and tasks may have been in flight.';

CREATE TABLE cascade.migration (
    number integer NOT NULL,
    name text NOT NULL,
    breaking boolean DEFAULT false NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL,
    binary_version text NOT NULL
);

ALTER TABLE cascade.migration OWNER TO cascade_owner;

ALTER TABLE cascade.node ALTER COLUMN epoch ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME cascade.node_epoch_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE cascade.priority_change (
    id bigint NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    job_id bigint,
    task_id bigint,
    priority smallint NOT NULL,
    at_least boolean DEFAULT false NOT NULL,
    created_by text DEFAULT SESSION_USER NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='20000');

ALTER TABLE cascade.priority_change OWNER TO cascade_owner;

COMMENT ON TABLE cascade.priority_change IS 'New priorities of jobs and tasks that the owner has not applied yet.';

COMMENT ON COLUMN cascade.priority_change.at_least IS 'Raises the task, or leaves it as it is.';

ALTER TABLE cascade.priority_change ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME cascade.priority_change_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE cascade.queue (
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    rate double precision,
    key_rate double precision,
    decay double precision DEFAULT 0.9 NOT NULL,
    weight double precision DEFAULT 1 NOT NULL,
    concurrency integer,
    key_concurrency integer DEFAULT 1 NOT NULL,
    burst integer DEFAULT 1 NOT NULL,
    key_burst integer DEFAULT 1 NOT NULL,
    depth integer,
    name text NOT NULL,
    when_full text DEFAULT 'wait'::text NOT NULL,
    paused boolean DEFAULT false NOT NULL,
    CONSTRAINT queue_burst_check CHECK (((burst >= 1) AND (burst <= 1000000))),
    CONSTRAINT queue_concurrency_check CHECK ((concurrency > 0)),
    CONSTRAINT queue_decay_check CHECK (((decay >= (0)::double precision) AND (decay <= (1)::double precision))),
    CONSTRAINT queue_depth_check CHECK ((depth > 0)),
    CONSTRAINT queue_key_burst_check CHECK (((key_burst >= 1) AND (key_burst <= 1000000))),
    CONSTRAINT queue_key_concurrency_check CHECK ((key_concurrency > 0)),
    CONSTRAINT queue_key_rate_check CHECK (((key_rate > (0)::double precision) AND (key_rate <= (1000000)::double precision))),
    CONSTRAINT queue_name_check CHECK (((octet_length(name) >= 1) AND (octet_length(name) <= 200))),
    CONSTRAINT queue_rate_check CHECK (((rate > (0)::double precision) AND (rate <= (1000000)::double precision))),
    CONSTRAINT queue_weight_check CHECK (((weight >= (0.001)::double precision) AND (weight <= (1000)::double precision))),
    CONSTRAINT queue_when_full_check CHECK ((when_full = ANY (ARRAY['wait'::text, 'cancel_newest'::text, 'cancel_running'::text, 'round_robin'::text])))
);

ALTER TABLE cascade.queue OWNER TO cascade_owner;

COMMENT ON TABLE cascade.queue IS 'Settings of queues; a queue without a row has the defaults.';

COMMENT ON COLUMN cascade.queue.rate IS 'Starts a second of the whole queue; null: no limit. At most `burst` of them at once.';

COMMENT ON COLUMN cascade.queue.key_rate IS 'Starts a second of the tasks with the same rate_key; null: no limit. At most `key_burst` of them at once.';

COMMENT ON COLUMN cascade.queue.decay IS 'What a task of the queue that was found by another one keeps of the priority of its finder.';

COMMENT ON COLUMN cascade.queue.weight IS 'Its share of the starts among queues whose next tasks have the same priority.';

COMMENT ON COLUMN cascade.queue.key_concurrency IS 'How many tasks with the same concurrency_key run at a time.';

COMMENT ON COLUMN cascade.queue.depth IS 'How many tasks may wait or be pending; null: no limit. More are refused (CA010).';

COMMENT ON COLUMN cascade.queue.when_full IS 'What becomes of a task whose concurrency_key has no free slot: it waits, is cancelled, has the running one cancelled, or waits for the turn of its key.';

CREATE VIEW cascade.queue_stats AS
 SELECT c.queue,
    (sum(c.waiting))::bigint AS waiting,
    (sum(c.pending))::bigint AS pending,
    (sum(c.running))::bigint AS running,
    (sum(c.completed))::bigint AS completed,
    (sum(c.failed))::bigint AS failed,
    (sum(c.cancelled))::bigint AS cancelled,
    (sum(c.skipped))::bigint AS skipped,
    (sum(c.quarantined))::bigint AS quarantined,
    COALESCE(bool_or(q.paused), false) AS paused,
    max(q.concurrency) AS concurrency,
    COALESCE(max(q.key_concurrency), 1) AS key_concurrency,
    max(q.rate) AS rate,
    max(q.burst) FILTER (WHERE (q.rate IS NOT NULL)) AS burst,
    max(q.key_rate) AS key_rate,
    max(q.key_burst) FILTER (WHERE (q.key_rate IS NOT NULL)) AS key_burst,
    COALESCE(max(q.weight), (1)::double precision) AS weight,
    COALESCE(max(q.when_full), 'wait'::text) AS when_full,
    max(q.depth) AS depth
   FROM (( SELECT queue_counter.queue,
            queue_counter.waiting,
            queue_counter.pending,
            queue_counter.running,
            queue_counter.completed,
            queue_counter.failed,
            queue_counter.cancelled,
            queue_counter.skipped,
            queue_counter.quarantined
           FROM cascade.queue_counter
        UNION ALL
         SELECT x.queue,
            COALESCE(sum(x.n) FILTER (WHERE (x.status = 'waiting'::cascade.task_status)), (0)::numeric) AS "coalesce",
            COALESCE(sum(x.n) FILTER (WHERE (x.status = 'pending'::cascade.task_status)), (0)::numeric) AS "coalesce",
            COALESCE(sum(x.n) FILTER (WHERE (x.status = 'running'::cascade.task_status)), (0)::numeric) AS "coalesce",
            COALESCE(sum(x.n) FILTER (WHERE (x.status = 'completed'::cascade.task_status)), (0)::numeric) AS "coalesce",
            COALESCE(sum(x.n) FILTER (WHERE (x.status = 'failed'::cascade.task_status)), (0)::numeric) AS "coalesce",
            COALESCE(sum(x.n) FILTER (WHERE (x.status = 'cancelled'::cascade.task_status)), (0)::numeric) AS "coalesce",
            COALESCE(sum(x.n) FILTER (WHERE (x.status = 'skipped'::cascade.task_status)), (0)::numeric) AS "coalesce",
            COALESCE(sum(x.n) FILTER (WHERE (x.status = 'quarantined'::cascade.task_status)), (0)::numeric) AS "coalesce"
           FROM ( SELECT counter_delta.queue,
                    counter_delta.status,
                    counter_delta.n
                   FROM cascade.counter_delta
                  WHERE (counter_delta.queue IS NOT NULL)
                UNION ALL
                 SELECT arrived.queue,
                    arrived.status,
                    arrived.n
                   FROM cascade.arrived() arrived(job_id, queue, status, n)) x
          GROUP BY x.queue
        UNION ALL
         SELECT q_1.name,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0
           FROM cascade.queue q_1) c
     LEFT JOIN cascade.queue q ON ((q.name = c.queue)))
  GROUP BY c.queue;

ALTER TABLE cascade.queue_stats OWNER TO cascade_owner;

CREATE TABLE cascade.reconciliation (
    rounds bigint DEFAULT 0 NOT NULL,
    repairs bigint DEFAULT 0 NOT NULL,
    ended_at timestamp with time zone,
    one boolean DEFAULT true NOT NULL,
    CONSTRAINT reconciliation_one_check CHECK (one)
);

ALTER TABLE cascade.reconciliation OWNER TO cascade_owner;

CREATE TABLE cascade.schedule_tick (
    tick timestamp with time zone NOT NULL,
    fired_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    job_id bigint,
    schedule text NOT NULL,
    outcome text NOT NULL,
    error text,
    CONSTRAINT schedule_tick_job_of_started CHECK (((job_id IS NOT NULL) = (outcome = 'started'::text))),
    CONSTRAINT schedule_tick_outcome_check CHECK ((outcome = ANY (ARRAY['started'::text, 'queued'::text, 'skipped'::text, 'failed'::text])))
);

ALTER TABLE cascade.schedule_tick OWNER TO cascade_owner;

COMMENT ON TABLE cascade.schedule_tick IS 'One row for each tick that was fired: its primary key makes a second time impossible.';

CREATE VIEW cascade.schedule_ticks AS
 SELECT t.schedule,
    t.tick,
    t.outcome,
    t.job_id,
    j.status,
    t.fired_at,
    j.started_at,
    j.finished_at,
    t.error
   FROM (cascade.schedule_tick t
     LEFT JOIN cascade.job j ON ((j.id = t.job_id)));

ALTER TABLE cascade.schedule_ticks OWNER TO cascade_owner;

CREATE VIEW cascade.schedules AS
 SELECT s.name,
    s.cron,
    s.every,
    s.time_zone,
    s.workflow,
    s.handler,
    s.input,
    s.tick_parameter,
    s.queue,
    s.tenant,
    s.priority,
    s.overlap,
    s.catch_up,
    s.catch_up_max,
    s.jitter,
    s.starts_at,
    s.ends_at,
    s.paused,
    s.next_tick,
    l.tick AS last_tick,
    l.outcome AS last_outcome,
    l.job_id AS last_job,
    j.status AS last_status,
    q.queued,
    u.unfinished,
    COALESCE(s.problem,
        CASE
            WHEN (l.outcome = 'failed'::text) THEN l.error
            ELSE NULL::text
        END) AS problem,
    s.created_at,
    s.changed_at
   FROM ((((cascade.schedule s
     LEFT JOIN LATERAL ( SELECT t.tick,
            t.fired_at,
            t.job_id,
            t.schedule,
            t.outcome,
            t.error
           FROM cascade.schedule_tick t
          WHERE (t.schedule = s.name)
          ORDER BY t.tick DESC
         LIMIT 1) l ON (true))
     LEFT JOIN cascade.job j ON ((j.id = l.job_id)))
     CROSS JOIN LATERAL ( SELECT count(*) AS queued
           FROM cascade.schedule_tick t
          WHERE ((t.schedule = s.name) AND (t.outcome = 'queued'::text))) q)
     CROSS JOIN LATERAL ( SELECT count(*) AS unfinished
           FROM cascade.job x
          WHERE ((x.schedule = s.name) AND (x.status < 'completed'::cascade.job_status))) u);

ALTER TABLE cascade.schedules OWNER TO cascade_owner;

ALTER TABLE cascade.task ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME cascade.task_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE cascade.task_transition (
    from_status cascade.task_status NOT NULL,
    event text NOT NULL,
    to_status cascade.task_status NOT NULL
);

ALTER TABLE cascade.task_transition OWNER TO cascade_owner;

CREATE TABLE cascade.task_unfinished (
    id bigint NOT NULL,
    xid xid8 DEFAULT cascade.announce() NOT NULL,
    job_id bigint,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    run_at timestamp with time zone DEFAULT now() NOT NULL,
    ready_at timestamp with time zone,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    epoch bigint,
    found_by bigint,
    timeout interval,
    start_within interval,
    unique_for interval,
    finished_on date,
    status cascade.task_status DEFAULT 'pending'::cascade.task_status NOT NULL,
    waiting_reason cascade.waiting_reason,
    item integer,
    priority smallint DEFAULT 50 NOT NULL,
    attempt smallint DEFAULT 0 NOT NULL,
    max_attempts smallint DEFAULT 5 NOT NULL,
    owner_losses smallint DEFAULT 0 NOT NULL,
    progress smallint,
    queue text DEFAULT 'default'::text NOT NULL,
    handler text NOT NULL,
    step text,
    unique_key text,
    concurrency_key text,
    rate_key text,
    tenant text,
    requires text[],
    unique_states cascade.task_status[],
    payload jsonb DEFAULT '{}'::jsonb NOT NULL,
    retry jsonb,
    command jsonb,
    result jsonb,
    error text,
    progress_text text
)
WITH (fillfactor='90', autovacuum_vacuum_scale_factor='0.05', autovacuum_vacuum_threshold='20000');
ALTER TABLE ONLY cascade.task_unfinished ALTER COLUMN payload SET COMPRESSION lz4;
ALTER TABLE ONLY cascade.task_unfinished ALTER COLUMN result SET COMPRESSION lz4;

ALTER TABLE cascade.task_unfinished OWNER TO cascade_owner;

CREATE VIEW cascade.tasks AS
 SELECT t.id,
    t.job_id,
    t.step,
    t.item,
    t.queue,
    t.handler,
    t.status,
    t.waiting_reason,
    t.priority,
    t.payload,
    t.result,
    t.error,
    t.progress,
    t.progress_text,
    t.attempt,
    t.max_attempts,
    n.name AS node,
    t.run_at,
    t.created_at,
        CASE
            WHEN (t.status = 'waiting'::cascade.task_status) THEN NULL::timestamp with time zone
            ELSE COALESCE(t.ready_at, GREATEST(t.created_at, t.run_at))
        END AS ready_at,
    t.started_at,
    t.finished_at,
    t.timeout,
    t.start_within,
    t.unique_key,
    t.unique_for,
    t.unique_states,
    t.concurrency_key,
    t.rate_key,
    t.tenant,
    t.requires,
    t.found_by,
    ((COALESCE(t.job_id, t.id) & (63)::bigint))::smallint AS lane,
    t.owner_losses,
    t.finished_on
   FROM (cascade.task t
     LEFT JOIN cascade.node n ON ((n.epoch = t.epoch)));

ALTER TABLE cascade.tasks OWNER TO cascade_owner;

CREATE TABLE cascade.tenant (
    weight double precision NOT NULL,
    queue text NOT NULL,
    tenant text NOT NULL,
    CONSTRAINT tenant_queue_check CHECK (((octet_length(queue) >= 1) AND (octet_length(queue) <= 200))),
    CONSTRAINT tenant_tenant_check CHECK (((octet_length(tenant) >= 1) AND (octet_length(tenant) <= 200))),
    CONSTRAINT tenant_weight_check CHECK (((weight >= (0.001)::double precision) AND (weight <= (1000)::double precision)))
);

ALTER TABLE cascade.tenant OWNER TO cascade_owner;

COMMENT ON TABLE cascade.tenant IS 'Shares of the tenants of a queue; one without a row has the weight 1.';

CREATE TABLE cascade.workflow_setting (
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    concurrency integer,
    workflow text NOT NULL,
    paused boolean DEFAULT false NOT NULL,
    CONSTRAINT workflow_setting_concurrency_check CHECK ((concurrency > 0)),
    CONSTRAINT workflow_setting_workflow_check CHECK (((octet_length(workflow) >= 1) AND (octet_length(workflow) <= 200)))
);

ALTER TABLE cascade.workflow_setting OWNER TO cascade_owner;

COMMENT ON TABLE cascade.workflow_setting IS 'Settings of workflows, for the tasks of all jobs of all versions; a workflow without a row has the defaults.';

CREATE VIEW cascade.waiting_stats AS
 WITH owned AS MATERIALIZED (
         SELECT l.lane,
            n.tags,
            (l.lane = ANY (cascade.owned_lanes())) AS owned
           FROM (cascade.lane l
             LEFT JOIN cascade.node n ON ((n.epoch = l.epoch)))
        ), queue AS MATERIALIZED (
         SELECT q.name,
            q.paused,
            (q.rate IS NOT NULL) AS rated,
            (q.key_rate IS NOT NULL) AS keys_rated,
                CASE
                    WHEN (q.concurrency IS NOT NULL) THEN (cascade.running_in(q.name) >= q.concurrency)
                    ELSE NULL::boolean
                END AS used_up
           FROM cascade.queue q
        ), workflow AS MATERIALIZED (
         SELECT s.workflow,
            s.paused,
                CASE
                    WHEN (s.concurrency IS NOT NULL) THEN (cascade.running_of_workflow(s.workflow) >= s.concurrency)
                    ELSE NULL::boolean
                END AS used_up
           FROM cascade.workflow_setting s
        )
 SELECT w.queue,
    w.reason,
    count(*) AS tasks
   FROM ( SELECT t.queue,
            cascade.verdict_of(t.status, t.waiting_reason, t.run_at, (COALESCE(q.paused, false) OR COALESCE((j.status = 'paused'::cascade.job_status), false) OR COALESCE(f.paused, false)), o.owned, ((t.requires IS NULL) OR COALESCE((t.requires <@ o.tags), false)), (COALESCE(q.used_up, false) OR COALESCE(f.used_up, false) OR ((j.concurrency IS NOT NULL) AND (cascade.running_of_job(j.id) >= j.concurrency))), COALESCE((q.rated OR (q.keys_rated AND (t.rate_key IS NOT NULL))), false)) AS reason
           FROM ((((cascade.task_unfinished t
             JOIN owned o ON ((o.lane = (COALESCE(t.job_id, t.id) & (63)::bigint))))
             LEFT JOIN queue q ON ((q.name = t.queue)))
             LEFT JOIN cascade.job j ON ((j.id = t.job_id)))
             LEFT JOIN workflow f ON ((f.workflow = j.workflow)))
          WHERE (t.status <= 'pending'::cascade.task_status)) w
  GROUP BY w.queue, w.reason;

ALTER TABLE cascade.waiting_stats OWNER TO cascade_owner;

CREATE TABLE cascade.workflow (
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    version integer NOT NULL,
    name text NOT NULL,
    definition jsonb NOT NULL,
    CONSTRAINT workflow_definition_check CHECK ((jsonb_typeof(definition) = 'object'::text)),
    CONSTRAINT workflow_name_check CHECK (((octet_length(name) >= 1) AND (octet_length(name) <= 200))),
    CONSTRAINT workflow_version_check CHECK ((version > 0))
);

ALTER TABLE cascade.workflow OWNER TO cascade_owner;

CREATE VIEW cascade.workflow_stats AS
 SELECT c.workflow,
    (COALESCE(sum(c.n) FILTER (WHERE (c.status = 'waiting'::cascade.task_status)), (0)::numeric))::bigint AS waiting,
    (COALESCE(sum(c.n) FILTER (WHERE (c.status = 'pending'::cascade.task_status)), (0)::numeric))::bigint AS pending,
    (COALESCE(sum(c.n) FILTER (WHERE (c.status = 'running'::cascade.task_status)), (0)::numeric))::bigint AS running,
    (COALESCE(sum(c.n) FILTER (WHERE (c.status = 'completed'::cascade.task_status)), (0)::numeric))::bigint AS completed,
    (COALESCE(sum(c.n) FILTER (WHERE (c.status = 'failed'::cascade.task_status)), (0)::numeric))::bigint AS failed,
    (COALESCE(sum(c.n) FILTER (WHERE (c.status = 'cancelled'::cascade.task_status)), (0)::numeric))::bigint AS cancelled,
    (COALESCE(sum(c.n) FILTER (WHERE (c.status = 'skipped'::cascade.task_status)), (0)::numeric))::bigint AS skipped,
    (COALESCE(sum(c.n) FILTER (WHERE (c.status = 'quarantined'::cascade.task_status)), (0)::numeric))::bigint AS quarantined,
    COALESCE(bool_or(s.paused), false) AS paused,
    max(s.concurrency) AS concurrency
   FROM (( SELECT k.workflow,
            v.status,
            v.n
           FROM (cascade.workflow_counter k
             CROSS JOIN LATERAL cascade.by_status(k.waiting, k.pending, k.running, k.completed, k.failed, k.cancelled, k.skipped, k.quarantined) v(status, n))
        UNION ALL
         SELECT COALESCE(x.workflow, ( SELECT j.workflow
                   FROM cascade.job j
                  WHERE (j.id = x.job_id))) AS "coalesce",
            x.status,
            x.n
           FROM ( SELECT d.job_id,
                    d.workflow,
                    d.status,
                    d.n
                   FROM cascade.counter_delta d
                  WHERE ((d.workflow IS NOT NULL) OR ((d.job_id IS NOT NULL) AND (d.queue IS NOT NULL)))
                UNION ALL
                 SELECT a.job_id,
                    NULL::text,
                    a.status,
                    a.n
                   FROM cascade.arrived() a(job_id, queue, status, n)
                  WHERE (a.job_id IS NOT NULL)) x
        UNION ALL
         SELECT w.name,
            NULL::cascade.task_status,
            0
           FROM cascade.workflow w) c
     LEFT JOIN cascade.workflow_setting s ON ((s.workflow = c.workflow)))
  WHERE (c.workflow IS NOT NULL)
  GROUP BY c.workflow;

ALTER TABLE cascade.workflow_stats OWNER TO cascade_owner;

CREATE VIEW cascade.workflows AS
 SELECT w.name,
    w.version,
    w.definition,
    w.created_at,
    (w.version = max(w.version) OVER (PARTITION BY w.name)) AS newest
   FROM cascade.workflow w;

ALTER TABLE cascade.workflows OWNER TO cascade_owner;

CREATE TABLE cascade.writer (
    epoch bigint NOT NULL,
    batch bigint DEFAULT 0 NOT NULL,
    writer smallint NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='20000');

ALTER TABLE cascade.writer OWNER TO cascade_owner;

COMMENT ON TABLE cascade.writer IS 'The connections the owner writes through. Each batch first counts up `batch` of its own (cascade.fence).';

ALTER TABLE ONLY cascade.task ATTACH PARTITION cascade.task_unfinished FOR VALUES IN (NULL);

ALTER TABLE ONLY cascade.attempt_log
    ADD CONSTRAINT attempt_log_pkey PRIMARY KEY (task_id, attempt, finished_on);

ALTER TABLE ONLY cascade.command
    ADD CONSTRAINT command_pkey PRIMARY KEY (id);

ALTER TABLE ONLY cascade.counted_day
    ADD CONSTRAINT counted_day_pkey PRIMARY KEY (day);

ALTER TABLE ONLY cascade.counter_point
    ADD CONSTRAINT counter_point_pkey PRIMARY KEY (one);

ALTER TABLE ONLY cascade.job_counter
    ADD CONSTRAINT job_counter_pkey PRIMARY KEY (job_id);

ALTER TABLE ONLY cascade.job
    ADD CONSTRAINT job_pkey PRIMARY KEY (id);

ALTER TABLE ONLY cascade.kept_key
    ADD CONSTRAINT kept_key_pkey PRIMARY KEY (unique_key, period);

ALTER TABLE ONLY cascade.lane
    ADD CONSTRAINT lane_pkey PRIMARY KEY (lane);

ALTER TABLE ONLY cascade.migration
    ADD CONSTRAINT migration_pkey PRIMARY KEY (number);

ALTER TABLE ONLY cascade.node
    ADD CONSTRAINT node_pkey PRIMARY KEY (epoch);

ALTER TABLE ONLY cascade.priority_change
    ADD CONSTRAINT priority_change_pkey PRIMARY KEY (id);

ALTER TABLE ONLY cascade.queue_counter
    ADD CONSTRAINT queue_counter_pkey PRIMARY KEY (queue);

ALTER TABLE ONLY cascade.queue
    ADD CONSTRAINT queue_pkey PRIMARY KEY (name);

ALTER TABLE ONLY cascade.reconciliation
    ADD CONSTRAINT reconciliation_pkey PRIMARY KEY (one);

ALTER TABLE ONLY cascade.schedule
    ADD CONSTRAINT schedule_pkey PRIMARY KEY (name);

ALTER TABLE ONLY cascade.schedule_tick
    ADD CONSTRAINT schedule_tick_pkey PRIMARY KEY (schedule, tick);

ALTER TABLE ONLY cascade.task_transition
    ADD CONSTRAINT task_transition_pkey PRIMARY KEY (from_status, event);

ALTER TABLE ONLY cascade.task_unfinished
    ADD CONSTRAINT task_unfinished_pkey PRIMARY KEY (id);

ALTER TABLE ONLY cascade.tenant
    ADD CONSTRAINT tenant_pkey PRIMARY KEY (queue, tenant);

ALTER TABLE ONLY cascade.workflow_counter
    ADD CONSTRAINT workflow_counter_pkey PRIMARY KEY (workflow);

ALTER TABLE ONLY cascade.workflow
    ADD CONSTRAINT workflow_pkey PRIMARY KEY (name, version);

ALTER TABLE ONLY cascade.workflow_setting
    ADD CONSTRAINT workflow_setting_pkey PRIMARY KEY (workflow);

ALTER TABLE ONLY cascade.writer
    ADD CONSTRAINT writer_pkey PRIMARY KEY (epoch, writer, batch);

CREATE INDEX command_inbox ON cascade.command USING btree (xid) WHERE (applied_at IS NULL);

CREATE INDEX counter_repaired ON cascade.counter_repair USING btree (repaired_at);

CREATE INDEX day_count_job ON cascade.day_count USING btree (job_id);

CREATE INDEX job_finished ON cascade.job USING btree (finished_at) WHERE (finished_at IS NOT NULL);

CREATE UNIQUE INDEX job_idempotency_key ON cascade.job USING btree (idempotency_key) WHERE (idempotency_key IS NOT NULL);

CREATE INDEX job_inbox ON cascade.job USING btree (xid) WHERE (status < 'completed'::cascade.job_status);

CREATE INDEX job_of_schedule ON cascade.job USING btree (schedule) WHERE ((schedule IS NOT NULL) AND (status < 'completed'::cascade.job_status));

CREATE INDEX kept_key_finished ON cascade.kept_key USING btree (finished_on);

CREATE INDEX kept_key_free ON cascade.kept_key USING btree (free_at) WHERE (free_at IS NOT NULL);

CREATE INDEX priority_change_inbox ON cascade.priority_change USING btree (xid);

CREATE INDEX schedule_tick_fired ON cascade.schedule_tick USING btree (fired_at);

CREATE INDEX schedule_tick_queued ON cascade.schedule_tick USING btree (schedule, tick) WHERE (outcome = 'queued'::text);

CREATE INDEX task_check ON cascade.task_unfinished USING btree (cascade.check_task(id, run_at, created_at, max_attempts, priority, queue, handler, timeout, start_within, unique_key, unique_for, unique_states, concurrency_key, rate_key, tenant, requires, retry)) WHERE ((NOT isfinite(run_at)) OR (max_attempts < 1) OR ((priority < 0) OR (priority > 100)) OR (queue = ''::text) OR (handler = ''::text) OR (octet_length(queue) > 200) OR (octet_length(handler) > 200) OR ((step IS NULL) AND (num_nonnulls(timeout, start_within, unique_key, unique_for, unique_states, concurrency_key, rate_key, tenant, requires, retry) > 0)));

CREATE INDEX task_due ON cascade.task_unfinished USING btree (run_at) WHERE (waiting_reason = ANY (ARRAY['delay'::cascade.waiting_reason, 'retry_backoff'::cascade.waiting_reason]));

CREATE INDEX task_inbox ON cascade.task_unfinished USING btree (xid);

CREATE INDEX task_job ON ONLY cascade.task USING btree (job_id) WHERE (job_id IS NOT NULL);

CREATE INDEX task_unfinished_job_id_idx ON cascade.task_unfinished USING btree (job_id) WHERE (job_id IS NOT NULL);

CREATE UNIQUE INDEX task_unique_key ON cascade.task_unfinished USING btree (unique_key, cascade.unique_period(unique_for, created_at)) WHERE (unique_key IS NOT NULL);

ALTER INDEX cascade.task_job ATTACH PARTITION cascade.task_unfinished_job_id_idx;

CREATE TRIGGER command_900_announce AFTER INSERT ON cascade.command FOR EACH STATEMENT EXECUTE FUNCTION cascade.tg_command_inserted();

CREATE TRIGGER job_100_guard BEFORE UPDATE OF status ON cascade.job FOR EACH ROW WHEN (((old.status IS DISTINCT FROM new.status) AND (CURRENT_USER <> 'cascade_engine'::name))) EXECUTE FUNCTION cascade.tg_job_guard();

CREATE TRIGGER job_500_pin BEFORE INSERT ON cascade.job FOR EACH ROW EXECUTE FUNCTION cascade.tg_job_pin();

CREATE TRIGGER job_900_announce AFTER INSERT ON cascade.job FOR EACH STATEMENT EXECUTE FUNCTION cascade.tg_job_inserted();

CREATE TRIGGER job_910_next_tick AFTER UPDATE ON cascade.job FOR EACH ROW WHEN (((old.finished_at IS NULL) AND (new.finished_at IS NOT NULL) AND (new.schedule IS NOT NULL))) EXECUTE FUNCTION cascade.tg_scheduled_job_ended();

CREATE TRIGGER priority_change_500_insert BEFORE INSERT ON cascade.priority_change FOR EACH ROW EXECUTE FUNCTION cascade.tg_priority_change_inserting();

CREATE TRIGGER priority_change_900_announce AFTER INSERT ON cascade.priority_change FOR EACH STATEMENT EXECUTE FUNCTION cascade.tg_priority_change_inserted();

CREATE TRIGGER schedule_500_change BEFORE UPDATE ON cascade.schedule FOR EACH ROW WHEN (((((((((((((((((((old.name IS DISTINCT FROM new.name) OR (old.cron IS DISTINCT FROM new.cron)) OR (old.every IS DISTINCT FROM new.every)) OR (old.time_zone IS DISTINCT FROM new.time_zone)) OR (old.starts_at IS DISTINCT FROM new.starts_at)) OR (old.ends_at IS DISTINCT FROM new.ends_at)) OR (old.jitter IS DISTINCT FROM new.jitter)) OR (old.paused IS DISTINCT FROM new.paused)) OR (old.workflow IS DISTINCT FROM new.workflow)) OR (old.handler IS DISTINCT FROM new.handler)) OR (old.input IS DISTINCT FROM new.input)) OR (old.tick_parameter IS DISTINCT FROM new.tick_parameter)) OR (old.queue IS DISTINCT FROM new.queue)) OR (old.tenant IS DISTINCT FROM new.tenant)) OR (old.priority IS DISTINCT FROM new.priority)) OR (old.catch_up IS DISTINCT FROM new.catch_up)) OR (old.catch_up_max IS DISTINCT FROM new.catch_up_max)) OR (old.overlap IS DISTINCT FROM new.overlap))) EXECUTE FUNCTION cascade.tg_schedule_changing();

CREATE TRIGGER schedule_900_announce AFTER INSERT OR DELETE ON cascade.schedule FOR EACH ROW EXECUTE FUNCTION cascade.tg_schedule_changed();

CREATE TRIGGER schedule_910_announce AFTER UPDATE ON cascade.schedule FOR EACH ROW WHEN ((old.changed_at IS DISTINCT FROM new.changed_at)) EXECUTE FUNCTION cascade.tg_schedule_changed();

CREATE TRIGGER task_100_refuse BEFORE UPDATE OF status ON cascade.task FOR EACH STATEMENT WHEN ((CURRENT_USER <> 'cascade_engine'::name)) EXECUTE FUNCTION cascade.tg_task_refuse();

CREATE TRIGGER task_110_guard BEFORE UPDATE ON cascade.task FOR EACH ROW WHEN ((((old.status >= 'completed'::cascade.task_status) AND (old.status IS DISTINCT FROM new.status)) OR ((new.waiting_reason IS NOT NULL) <> (new.status = 'waiting'::cascade.task_status)) OR ((new.finished_at IS NOT NULL) <> (new.status >= 'completed'::cascade.task_status)) OR ((new.finished_on IS NOT NULL) <> (new.status >= 'completed'::cascade.task_status)) OR ((new.status >= 'running'::cascade.task_status) AND (new.started_at IS NULL)) OR (new.attempt < 0) OR ((new.priority < 0) OR (new.priority > 100)) OR ((new.progress < 0) OR (new.progress > 100)))) EXECUTE FUNCTION cascade.tg_task_guard();

CREATE TRIGGER task_500_insert BEFORE INSERT ON cascade.task_unfinished FOR EACH ROW WHEN (((new.step IS NULL) AND ((new.run_at > now()) OR (new.job_id IS NOT NULL) OR (new.found_by IS NOT NULL) OR (new.unique_key IS NOT NULL) OR (pg_column_size(new.payload) > 16777216)))) EXECUTE FUNCTION cascade.tg_task_inserting();

CREATE TRIGGER task_520_key BEFORE UPDATE OF finished_on ON cascade.task FOR EACH ROW WHEN (((new.unique_states IS NOT NULL) AND ((old.finished_on IS NULL) <> (new.finished_on IS NULL)))) EXECUTE FUNCTION cascade.tg_task_key_kept();

CREATE TRIGGER task_900_count AFTER UPDATE ON cascade.task REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION cascade.tg_task_updated();

CREATE TRIGGER task_900_uncount AFTER DELETE ON cascade.task REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION cascade.tg_task_deleted();

ALTER TABLE ONLY cascade.writer
    ADD CONSTRAINT writer_epoch_fkey FOREIGN KEY (epoch) REFERENCES cascade.node(epoch);

GRANT USAGE ON SCHEMA cascade TO cascade_engine;
GRANT USAGE ON SCHEMA cascade TO cascade_producer;
GRANT USAGE ON SCHEMA cascade TO cascade_reader;

REVOKE ALL ON FUNCTION cascade.add_task(handler text, payload jsonb, job_id bigint, queue text, priority integer, run_at timestamp with time zone, max_attempts integer, timeout interval, unique_key text, concurrency_key text, requires text[], start_within interval, rate_key text, unique_for interval, unique_states cascade.task_status[], on_conflict text, found_by bigint, tenant text) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.add_task(handler text, payload jsonb, job_id bigint, queue text, priority integer, run_at timestamp with time zone, max_attempts integer, timeout interval, unique_key text, concurrency_key text, requires text[], start_within interval, rate_key text, unique_for interval, unique_states cascade.task_status[], on_conflict text, found_by bigint, tenant text) TO cascade_producer;
GRANT ALL ON FUNCTION cascade.add_task(handler text, payload jsonb, job_id bigint, queue text, priority integer, run_at timestamp with time zone, max_attempts integer, timeout interval, unique_key text, concurrency_key text, requires text[], start_within interval, rate_key text, unique_for interval, unique_states cascade.task_status[], on_conflict text, found_by bigint, tenant text) TO cascade_engine;

GRANT ALL ON FUNCTION cascade.ring(what text) TO cascade_engine;

GRANT ALL ON FUNCTION cascade.announce() TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.announce_schedules() FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.announce_schedules() TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.apply_workflow(name text, definition jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.apply_workflow(name text, definition jsonb) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.arrived() FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.arrived() TO cascade_reader;
GRANT ALL ON FUNCTION cascade.arrived() TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.begin_reconciling(slice bigint, remember interval) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.begin_reconciling(slice bigint, remember interval) TO cascade_engine;

GRANT SELECT,INSERT,UPDATE ON TABLE cascade.task TO cascade_engine;

GRANT INSERT(job_id) ON TABLE cascade.task TO cascade_producer;

GRANT INSERT(run_at) ON TABLE cascade.task TO cascade_producer;

GRANT INSERT(found_by) ON TABLE cascade.task TO cascade_producer;

GRANT INSERT(timeout) ON TABLE cascade.task TO cascade_producer;

GRANT INSERT(start_within) ON TABLE cascade.task TO cascade_producer;

GRANT INSERT(unique_for) ON TABLE cascade.task TO cascade_producer;

GRANT INSERT(priority) ON TABLE cascade.task TO cascade_producer;

GRANT INSERT(max_attempts) ON TABLE cascade.task TO cascade_producer;

GRANT INSERT(queue) ON TABLE cascade.task TO cascade_producer;

GRANT INSERT(handler) ON TABLE cascade.task TO cascade_producer;

GRANT INSERT(unique_key) ON TABLE cascade.task TO cascade_producer;

GRANT INSERT(concurrency_key) ON TABLE cascade.task TO cascade_producer;

GRANT INSERT(rate_key) ON TABLE cascade.task TO cascade_producer;

GRANT INSERT(tenant) ON TABLE cascade.task TO cascade_producer;

GRANT INSERT(requires) ON TABLE cascade.task TO cascade_producer;

GRANT INSERT(unique_states) ON TABLE cascade.task TO cascade_producer;

GRANT INSERT(payload) ON TABLE cascade.task TO cascade_producer;

GRANT INSERT(retry) ON TABLE cascade.task TO cascade_producer;

REVOKE ALL ON FUNCTION cascade.blockers(task cascade.task) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.blockers(task cascade.task) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.by_status(waiting bigint, pending bigint, running bigint, completed bigint, failed bigint, cancelled bigint, skipped bigint, quarantined bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.by_status(waiting bigint, pending bigint, running bigint, completed bigint, failed bigint, cancelled bigint, skipped bigint, quarantined bigint) TO cascade_reader;
GRANT ALL ON FUNCTION cascade.by_status(waiting bigint, pending bigint, running bigint, completed bigint, failed bigint, cancelled bigint, skipped bigint, quarantined bigint) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.cancel_job(id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.cancel_job(id bigint) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.cancel_task(id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.cancel_task(id bigint) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.change_held(mode text, id bigint, payload jsonb, run_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.change_held(mode text, id bigint, payload jsonb, run_at timestamp with time zone) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.change_queue(queue text, paused boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.change_queue(queue text, paused boolean) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.change_schedule(name text, paused boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.change_schedule(name text, paused boolean) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.change_workflow(workflow text, paused boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.change_workflow(workflow text, paused boolean) TO cascade_engine;

GRANT ALL ON FUNCTION cascade.check_task(id bigint, run_at timestamp with time zone, created_at timestamp with time zone, max_attempts smallint, priority smallint, queue text, handler text, timeout interval, start_within interval, unique_key text, unique_for interval, unique_states cascade.task_status[], concurrency_key text, rate_key text, tenant text, requires text[], retry jsonb) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.check_workflow_exists(workflow text) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.check_workflow_exists(workflow text) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.checked_input(workflow text, definition jsonb, input jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.checked_input(workflow text, definition jsonb, input jsonb) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.checked_most(most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.checked_most(most integer) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.checked_priority(priority integer) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.checked_priority(priority integer) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.checked_rate(rate double precision, per interval, burst integer, OUT per_second double precision, OUT most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.checked_rate(rate double precision, per interval, burst integer, OUT per_second double precision, OUT most integer) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.checked_weight(weight double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.checked_weight(weight double precision) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.close_job(id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.close_job(id bigint) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.command_for_job(kind text, id bigint, argument jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.command_for_job(kind text, id bigint, argument jsonb) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.command_for_task(kind text, id bigint, argument jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.command_for_task(kind text, id bigint, argument jsonb) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.compare_jobs(after bigint, most bigint, OUT jobs bigint, OUT upto bigint, OUT wrong jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.compare_jobs(after bigint, most bigint, OUT jobs bigint, OUT upto bigint, OUT wrong jsonb) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.compare_others(OUT queues bigint, OUT workflows bigint, OUT wrong jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.compare_others(OUT queues bigint, OUT workflows bigint, OUT wrong jsonb) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.count_rows(day date, first bigint, pages bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.count_rows(day date, first bigint, pages bigint) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.drop_schedule(name text) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.drop_schedule(name text) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.empty_day(day date) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.empty_day(day date) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.explain_task(id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.explain_task(id bigint) TO cascade_reader;
GRANT ALL ON FUNCTION cascade.explain_task(id bigint) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.fence(epoch bigint, writer smallint, batch bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.fence(epoch bigint, writer smallint, batch bigint) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.fire_tick(schedule text, tick timestamp with time zone, by_hand boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.fire_tick(schedule text, tick timestamp with time zone, by_hand boolean) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.found_priority(found_by bigint, queue text) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.found_priority(found_by bigint, queue text) TO cascade_producer;
GRANT ALL ON FUNCTION cascade.found_priority(found_by bigint, queue text) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.hold_counter_point() FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.hold_counter_point() TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.hold_job_open(job bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.hold_job_open(job bigint) TO cascade_producer;
GRANT ALL ON FUNCTION cascade.hold_job_open(job bigint) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.holders(queue text, key text, job bigint, workflow text) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.holders(queue text, key text, job bigint, workflow text) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.instant_of(us bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.instant_of(us bigint) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.instant_us(t timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.instant_us(t timestamp with time zone) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.is_counted(status cascade.task_status, xid xid8, counted_to pg_snapshot) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.is_counted(status cascade.task_status, xid xid8, counted_to pg_snapshot) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.is_new_job(id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.is_new_job(id bigint) TO cascade_producer;
GRANT ALL ON FUNCTION cascade.is_new_job(id bigint) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.is_new_task(id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.is_new_task(id bigint) TO cascade_producer;
GRANT ALL ON FUNCTION cascade.is_new_task(id bigint) TO cascade_engine;

GRANT ALL ON FUNCTION cascade.is_period(unique_for interval) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.is_settled(day date) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.is_settled(day date) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.key_is_taken(id bigint, key text, unique_for interval, created_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.key_is_taken(id bigint, key text, unique_for interval, created_at timestamp with time zone) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.limit_concurrency(queue text, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.limit_concurrency(queue text, most integer) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.limit_depth(queue text, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.limit_depth(queue text, most integer) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.limit_job(id bigint, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.limit_job(id bigint, most integer) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.limit_key_concurrency(queue text, most integer, when_full text) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.limit_key_concurrency(queue text, most integer, when_full text) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.limit_keys(queue text, rate double precision, per interval, burst integer) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.limit_keys(queue text, rate double precision, per interval, burst integer) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.limit_queue(queue text, rate double precision, per interval, burst integer) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.limit_queue(queue text, rate double precision, per interval, burst integer) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.limit_workflow(workflow text, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.limit_workflow(workflow text, most integer) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.lock_unfinished(ids bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.lock_unfinished(ids bigint[]) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.make_partition(day date) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.make_partition(day date) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.today() FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.today() TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.make_partitions() FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.make_partitions() TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.owned_lanes() FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.owned_lanes() TO cascade_reader;
GRANT ALL ON FUNCTION cascade.owned_lanes() TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.param_problem(spec jsonb, value jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.param_problem(spec jsonb, value jsonb) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.pause_job(id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.pause_job(id bigint) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.pause_queue(queue text) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.pause_queue(queue text) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.pause_schedule(name text) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.pause_schedule(name text) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.pause_workflow(name text) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.pause_workflow(name text) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.plan_reconciling() FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.plan_reconciling() TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.queue_changed(queue text) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.queue_changed(queue text) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.queue_depth(queue text) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.queue_depth(queue text) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.reconcile_step() FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.reconcile_step() TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.refer_to(task_id bigint, found_by bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.refer_to(task_id bigint, found_by bigint) TO cascade_producer;
GRANT ALL ON FUNCTION cascade.refer_to(task_id bigint, found_by bigint) TO cascade_engine;

GRANT ALL ON FUNCTION cascade.refuse_kept_key(id bigint, unique_key text, unique_for interval, created_at timestamp with time zone) TO cascade_engine;

GRANT ALL ON FUNCTION cascade.refuse_task(problem text) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.reschedule_task(task_id bigint, run_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.reschedule_task(task_id bigint, run_at timestamp with time zone) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.resume_job(id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.resume_job(id bigint) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.resume_queue(queue text) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.resume_queue(queue text) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.resume_schedule(name text) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.resume_schedule(name text) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.resume_workflow(name text) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.resume_workflow(name text) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.retention_step(keep integer) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.retention_step(keep integer) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.retry_job(id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.retry_job(id bigint) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.retry_task(id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.retry_task(id bigint) TO cascade_engine;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE cascade.counter_delta TO cascade_engine;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE cascade.queue_counter TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.running_in(queue text) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.running_in(queue text) TO cascade_reader;
GRANT ALL ON FUNCTION cascade.running_in(queue text) TO cascade_engine;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE cascade.job_counter TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.running_of_job(job bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.running_of_job(job bigint) TO cascade_reader;
GRANT ALL ON FUNCTION cascade.running_of_job(job bigint) TO cascade_engine;

GRANT SELECT,INSERT,UPDATE ON TABLE cascade.job TO cascade_engine;

GRANT INSERT(timeout) ON TABLE cascade.job TO cascade_producer;

GRANT INSERT(concurrency) ON TABLE cascade.job TO cascade_producer;

GRANT INSERT(priority) ON TABLE cascade.job TO cascade_producer;

GRANT INSERT(keep_open) ON TABLE cascade.job TO cascade_producer;

GRANT INSERT(workflow) ON TABLE cascade.job TO cascade_producer;

GRANT INSERT(idempotency_key) ON TABLE cascade.job TO cascade_producer;

GRANT INSERT(tenant) ON TABLE cascade.job TO cascade_producer;

GRANT INSERT(input) ON TABLE cascade.job TO cascade_producer;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE cascade.workflow_counter TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.running_of_workflow(workflow text) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.running_of_workflow(workflow text) TO cascade_reader;
GRANT ALL ON FUNCTION cascade.running_of_workflow(workflow text) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.set_decay(queue text, decay double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.set_decay(queue text, decay double precision) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.set_priority(job_id bigint, priority integer) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.set_priority(job_id bigint, priority integer) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.set_task_priority(task_id bigint, priority integer) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.set_task_priority(task_id bigint, priority integer) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.space_keys(queue text, gap interval) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.space_keys(queue text, gap interval) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.start_job(workflow text, input jsonb, priority integer, keep_open boolean, timeout interval, idempotency_key text, concurrency integer, tenant text) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.start_job(workflow text, input jsonb, priority integer, keep_open boolean, timeout interval, idempotency_key text, concurrency integer, tenant text) TO cascade_producer;
GRANT ALL ON FUNCTION cascade.start_job(workflow text, input jsonb, priority integer, keep_open boolean, timeout interval, idempotency_key text, concurrency integer, tenant text) TO cascade_engine;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE cascade.schedule TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.start_queued_tick(s cascade.schedule) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.start_queued_tick(s cascade.schedule) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.start_queued_ticks() FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.start_queued_ticks() TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.start_scheduled(s cascade.schedule, tick timestamp with time zone, OUT job_id bigint, OUT problem text) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.start_scheduled(s cascade.schedule, tick timestamp with time zone, OUT job_id bigint, OUT problem text) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.take_over(name text, pid integer, version text, tags text[], handlers text[], writers integer, OUT epoch bigint, OUT unclean boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.take_over(name text, pid integer, version text, tags text[], handlers text[], writers integer, OUT epoch bigint, OUT unclean boolean) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.tg_command_inserted() FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.tg_command_inserted() TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.tg_job_guard() FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.tg_job_guard() TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.tg_job_inserted() FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.tg_job_inserted() TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.tg_job_pin() FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.tg_job_pin() TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.tg_priority_change_inserted() FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.tg_priority_change_inserted() TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.tg_priority_change_inserting() FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.tg_priority_change_inserting() TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.tg_schedule_changed() FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.tg_schedule_changed() TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.tg_schedule_changing() FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.tg_schedule_changing() TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.tg_scheduled_job_ended() FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.tg_scheduled_job_ended() TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.tg_task_deleted() FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.tg_task_deleted() TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.tg_task_depth() FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.tg_task_depth() TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.tg_task_guard() FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.tg_task_guard() TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.tg_task_inserting() FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.tg_task_inserting() TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.tg_task_key_kept() FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.tg_task_key_kept() TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.tg_task_refuse() FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.tg_task_refuse() TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.tg_task_updated() FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.tg_task_updated() TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.trigger_schedule(name text, OUT tick timestamp with time zone, OUT outcome text, OUT job_id bigint, OUT error text) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.trigger_schedule(name text, OUT tick timestamp with time zone, OUT outcome text, OUT job_id bigint, OUT error text) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.unique_holder(key text, unique_for interval, OUT id bigint, OUT open boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.unique_holder(key text, unique_for interval, OUT id bigint, OUT open boolean) TO cascade_engine;

GRANT ALL ON FUNCTION cascade.unique_period(unique_for interval, created_at timestamp with time zone) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.utc_text(t timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.utc_text(t timestamp with time zone) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.verdict_of(status cascade.task_status, reason cascade.waiting_reason, run_at timestamp with time zone, paused boolean, owned boolean, capable boolean, used_up boolean, rated boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.verdict_of(status cascade.task_status, reason cascade.waiting_reason, run_at timestamp with time zone, paused boolean, owned boolean, capable boolean, used_up boolean, rated boolean) TO cascade_reader;
GRANT ALL ON FUNCTION cascade.verdict_of(status cascade.task_status, reason cascade.waiting_reason, run_at timestamp with time zone, paused boolean, owned boolean, capable boolean, used_up boolean, rated boolean) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.weigh_queue(queue text, weight double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.weigh_queue(queue text, weight double precision) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.weigh_tenant(queue text, tenant text, weight double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.weigh_tenant(queue text, tenant text, weight double precision) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.why_lines(link jsonb, indent integer) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.why_lines(link jsonb, indent integer) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.why_link(id bigint, depth integer) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.why_link(id bigint, depth integer) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.why_task(id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.why_task(id bigint) TO cascade_reader;
GRANT ALL ON FUNCTION cascade.why_task(id bigint) TO cascade_engine;

REVOKE ALL ON FUNCTION cascade.workflow_changed(workflow text) FROM PUBLIC;
GRANT ALL ON FUNCTION cascade.workflow_changed(workflow text) TO cascade_engine;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE cascade.attempt_log TO cascade_engine;

GRANT SELECT ON TABLE cascade.node TO cascade_reader;
GRANT SELECT,INSERT,UPDATE ON TABLE cascade.node TO cascade_engine;

GRANT SELECT ON TABLE cascade.attempts TO cascade_reader;
GRANT SELECT ON TABLE cascade.attempts TO cascade_engine;

GRANT SELECT ON TABLE cascade.command TO cascade_reader;
GRANT SELECT,INSERT,UPDATE ON TABLE cascade.command TO cascade_engine;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE cascade.counted_day TO cascade_engine;

GRANT SELECT,UPDATE ON TABLE cascade.counter_point TO cascade_engine;

GRANT SELECT ON TABLE cascade.counter_repair TO cascade_reader;
GRANT SELECT,INSERT ON TABLE cascade.counter_repair TO cascade_engine;

GRANT SELECT,INSERT,DELETE ON TABLE cascade.day_count TO cascade_engine;

GRANT SELECT ON TABLE cascade.engine_task TO cascade_engine;

GRANT SELECT ON TABLE cascade.jobs TO cascade_reader;
GRANT SELECT ON TABLE cascade.jobs TO cascade_engine;

GRANT SELECT ON TABLE cascade.kept_key TO cascade_reader;
GRANT SELECT ON TABLE cascade.kept_key TO cascade_engine;

GRANT SELECT ON TABLE cascade.lane TO cascade_reader;
GRANT SELECT,INSERT,UPDATE ON TABLE cascade.lane TO cascade_engine;

GRANT SELECT ON TABLE cascade.migration TO cascade_engine;
GRANT SELECT ON TABLE cascade.migration TO cascade_reader;

GRANT SELECT ON TABLE cascade.priority_change TO cascade_reader;
GRANT SELECT,DELETE ON TABLE cascade.priority_change TO cascade_engine;

GRANT INSERT(job_id) ON TABLE cascade.priority_change TO cascade_engine;

GRANT INSERT(task_id) ON TABLE cascade.priority_change TO cascade_engine;

GRANT INSERT(priority) ON TABLE cascade.priority_change TO cascade_engine;

GRANT INSERT(at_least) ON TABLE cascade.priority_change TO cascade_engine;

GRANT SELECT,INSERT,UPDATE ON TABLE cascade.queue TO cascade_engine;

GRANT SELECT ON TABLE cascade.queue_stats TO cascade_reader;
GRANT SELECT ON TABLE cascade.queue_stats TO cascade_engine;

GRANT SELECT ON TABLE cascade.reconciliation TO cascade_reader;
GRANT SELECT,UPDATE ON TABLE cascade.reconciliation TO cascade_engine;

GRANT SELECT,INSERT,UPDATE ON TABLE cascade.schedule_tick TO cascade_engine;

GRANT SELECT ON TABLE cascade.schedule_ticks TO cascade_reader;
GRANT SELECT ON TABLE cascade.schedule_ticks TO cascade_engine;

GRANT SELECT ON TABLE cascade.schedules TO cascade_reader;
GRANT SELECT ON TABLE cascade.schedules TO cascade_engine;

GRANT SELECT ON TABLE cascade.task_transition TO cascade_reader;
GRANT SELECT ON TABLE cascade.task_transition TO cascade_engine;

GRANT SELECT ON TABLE cascade.task_unfinished TO cascade_engine;

GRANT UPDATE(priority) ON TABLE cascade.task_unfinished TO cascade_engine;

GRANT SELECT ON TABLE cascade.tasks TO cascade_reader;
GRANT SELECT ON TABLE cascade.tasks TO cascade_engine;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE cascade.tenant TO cascade_engine;

GRANT SELECT,INSERT,UPDATE ON TABLE cascade.workflow_setting TO cascade_engine;

GRANT SELECT ON TABLE cascade.waiting_stats TO cascade_reader;
GRANT SELECT ON TABLE cascade.waiting_stats TO cascade_engine;

GRANT SELECT,INSERT,UPDATE ON TABLE cascade.workflow TO cascade_engine;

GRANT SELECT ON TABLE cascade.workflow_stats TO cascade_reader;
GRANT SELECT ON TABLE cascade.workflow_stats TO cascade_engine;

GRANT SELECT ON TABLE cascade.workflows TO cascade_reader;
GRANT SELECT ON TABLE cascade.workflows TO cascade_engine;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE cascade.writer TO cascade_engine;

