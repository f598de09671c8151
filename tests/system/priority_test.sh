#!/usr/bin/env bash
# A new priority on its way through a running service: at once when it is high, later when it is low, and not lost by a kill.
source "$(dirname "$0")/lib.sh" "$1"
node=a
cat >"$work/cascade.yaml" <<'YAML'
workers: 1
propagation: {medium_quiet: 1s, medium_most: 2s, low_quiet: 4s, low_most: 8s}
YAML
start a --config "$work/cascade.yaml"

sql "insert into cascade.task (handler, run_at) select 'noop', now() + interval '1 hour' from generate_series(1, 4)"
sql "select cascade.set_task_priority(4, 90), cascade.set_task_priority(3, 40), cascade.set_task_priority(2, 10)" >/dev/null
says() { [[ $(sql "$1") == "$2" ]]; }
priorities="select string_agg(priority::text, ' ' order by id) from cascade.tasks where id <= 4"
until_true 2 says "$priorities" '50 50 50 90'

# A job started and raised at once: its steps must not keep the old priority.
sql "insert into cascade.workflow (name, version, definition) values ('w', 1,
  '{\"name\": \"w\", \"steps\": [{\"name\": \"s\", \"handler\": \"sleep\", \"input\": {\"ms\": 1}, \"wait\": \"1h\"},
    {\"name\": \"t\", \"handler\": \"noop\", \"depends_on\": [\"s\"]}]}')"
for _ in 1 2 3 4 5; do sql "select cascade.set_priority(cascade.start_job('w'), 95)" >/dev/null; done
until_true 10 says "select count(*) from cascade.tasks where step is not null and priority = 95" 10
equal "$(sql "select count(*) from cascade.jobs where priority = 95")" 5 "jobs with their new priority"
sql "select cascade.set_task_priority(id, 99) from cascade.tasks where step = 't' and job_id = 1" >/dev/null
until_true 5 says "select min(priority) from cascade.tasks where job_id = 1" 99

kill -9 "$service"
wait "$service" 2>/dev/null || true
start a --config "$work/cascade.yaml"
until_true 20 says "select count(*) from cascade.priority_change" 0
equal "$(sql "$priorities")" '50 10 40 90' "the low one"
cascade console -c priorities >/dev/null
cascade task priority 1 50
stop "$service"
