#!/usr/bin/env bash
# kill -9 at random times while tasks come due, fail and back off: each timer fires or is armed again, never early, and each
# task is completed once.   CASCADE_TEST_ROUNDS=100 tests/system/timers_kill_test.sh build/release/bin   for many rounds
source "$(dirname "$0")/lib.sh" "$1"
start_server
rounds=${CASCADE_TEST_ROUNDS:-5}
seed=${CASCADE_SEED:-$RANDOM}
RANDOM=$seed
echo "CASCADE_SEED=$seed rounds=$rounds"

push="insert into cascade.task (handler, run_at, payload)
  select case when i % 10 = 0 then 'fail' else 'noop' end, clock_timestamp() + random() * interval '2 seconds',
    case when i % 10 = 0 then '{\"times\": 1}' else '{}' end::jsonb
  from generate_series(1, 2000) i"
pushed=0
for ((round = 1; round <= rounds; round++)); do
  start a --database "$server"
  server_sql "$push"
  pushed=$((pushed + 2000))
  read -rt "$((RANDOM % 2)).$((RANDOM % 900 + 100))" <> <(:) || true
  kill -9 "$service"
  wait "$service" 2>/dev/null || true
done

start a --database "$server"
until_true 120 server_says "select count(*) from cascade.tasks where status = 'completed'" "$pushed"
equal "$(server_sql "select count(*) from cascade.tasks where started_at < run_at")" 0 "tasks that started early"
equal "$(server_sql "select count(*) from (select from cascade.attempts where outcome = 'completed'
  group by task_id having count(*) > 1) x")" 0 "tasks completed twice"
equal "$(server_sql "select count(*) from cascade.attempts where outcome not in ('completed', 'failed', 'lost')")" 0 "odd attempts"
# Of the tasks that fail once, each has failed once, unless a kill took an attempt.
equal "$(server_sql "select count(*) from cascade.tasks t where handler = 'fail' and attempt = 1")" 0 "failures that were forgotten"
equal "$(server_sql "select count(*) from cascade.tasks t where handler = 'noop' and attempt > 1 and not exists
  (select from cascade.attempts a where a.task_id = t.id and a.outcome = 'lost')")" 0 "attempts without a reason"
stop "$service"
