#!/usr/bin/env bash
# How many statements the service sends, per task, per step and per idle second. Fails when they rise.
source "$(dirname "$0")/lib.sh" "$1"
node=a
start a

total() {
  "$bin/cascade" --data-dir "$work/a" console -c statements --json |
    python3 -c 'import json, sys; print(sum(s["statements"] for s in json.load(sys.stdin).values()))'
}
at_most() { python3 -c 'import sys; sys.exit(float(sys.argv[1]) > float(sys.argv[2]))' "$1" "$2" || fail "$3: $1, not at most $2"; }
per() { python3 -c 'import sys; print(int(sys.argv[1]) / int(sys.argv[2]))' "$1" "$2"; }
all_done() { [[ $(sql 'select sum(waiting + pending + running) from cascade.queue_stats') == 0 ]]; }

before=$(total)
sql "insert into cascade.task (handler, payload) select 'noop', '{}' from generate_series(1, 10000)"
until_true 60 all_done
loose=$(per $(($(total) - before)) 10000)

sql "insert into cascade.workflow (name, version, definition) select 'chain', 1, jsonb_build_object('name', 'chain', 'steps',
       jsonb_agg(jsonb_build_object('name', 's' || i, 'handler', 'noop') ||
                 case when i > 1 then jsonb_build_object('depends_on', jsonb_build_array('s' || i - 1)) else '{}' end order by i))
     from generate_series(1, 100) i"
before=$(total)
cascade job start chain --wait >/dev/null
step=$(per $(($(total) - before)) 100)

before=$(total)
sql "select cascade.start_job('chain') from generate_series(1, 20)" >/dev/null
until_true 60 all_done
jobs=$(per $(($(total) - before)) 2000)

sql 'select pg_sleep(1)' # what the work before left to fold
before=$(total)
sql 'select pg_sleep(5)'
idle=$(per $(($(total) - before)) 5)

echo "statements: $loose a loose task, $step a step of a lone chain, $jobs a step of 20 chains at once, $idle an idle second"
at_most "$loose" 0.02 "statements a loose task"
at_most "$step" 4 "statements a step of a chain"
at_most "$jobs" 1 "statements a step of 20 chains at once"
at_most "$idle" 1 "statements an idle second"
stop "$service"
