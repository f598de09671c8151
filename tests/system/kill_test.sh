#!/usr/bin/env bash
# kill -9 in the middle of the example: after the next start the job completes, no recorded outcome changes, the report is
# right. Once for the service alone, once for its Postgres as well.
source "$(dirname "$0")/lib.sh" "$1"
node=a
prepare_packages

finished="select id, status, attempt, started_at, finished_at, md5(result::text) from cascade.tasks
  where status = 'completed' order by id"

run_and_kill() {  # $1: also the database server?
  start a --config "$work/cascade.yaml" --workers 1
  cascade workflow apply "$work/packages.yaml"
  local job
  job=$(sql "select cascade.start_job('packages', '$(packages_input)')")
  until_true 60 some_done "$job"
  kill -9 "$service"
  wait "$service" 2>/dev/null || true
  if [[ $1 == both ]]; then
    local pid
    pid=$(head -n 1 "$work/a/postgres/postmaster.pid")
    kill -9 "$pid"
    until_true 10 gone "$pid"
    start a --config "$work/cascade.yaml" --workers 1
    before=
  else
    before=$(psql -XAtq "$(conninfo)" -c "$finished")
    start a --config "$work/cascade.yaml" --workers 1
  fi
  cascade job wait "$job" --timeout 60
  equal "$(sql "select status from cascade.jobs where id = $job")" completed "the job after a crash"
  if [[ -n $before ]]; then
    equal "$(sql "$finished" | grep -cFx -f <(echo "$before"))" "$(wc -l <<<"$before")" "outcomes recorded before the crash"
  fi
  equal "$(sql "select count(*) from cascade.attempts a where a.outcome = 'completed' group by a.task_id having count(*) > 1")" "" \
    "tasks completed twice"
  check_packages_report
  stop "$service"
}
some_done() { [[ $(sql "select count(*) from cascade.tasks where job_id = $1 and step = 'transform' and status = 'completed'") -ge 3 ]]; }
gone() { ! kill -0 "$1"; }
conninfo() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["conninfo"])' "$work/a/service.json"; }

run_and_kill service
run_and_kill both
