#!/usr/bin/env bash
# One service a data directory, a standby on the same database, clean stops, clear refusals, the console, own handlers.
source "$(dirname "$0")/lib.sh" "$1"
node=a
start a
first=$service

# A second service on the directory is refused, with the holder's process id.
if "$bin/cascaded" --data-dir "$work/a" 2>"$work/second.txt"; then fail "a second service was let in"; fi
grep -q "$first" "$work/second.txt" || fail "the refusal does not name the holder: $(cat "$work/second.txt")"

# Mistakes in the configuration are named with file, line and a suggestion.
printf 'workers: 4\nengine:\n  batch_row_max: 3\n' >"$work/bad.yaml"
code=0
"$bin/cascaded" --data-dir "$work/b" --config "$work/bad.yaml" 2>"$work/bad.txt" || code=$?
equal "$code" 2 "exit code for a bad configuration"
grep -q 'bad.yaml:3:3.*batch_rows_max' "$work/bad.txt" || fail "no place or suggestion: $(cat "$work/bad.txt")"

# A killed actor comes back, and work goes on.
for name in scheduler recorder pool quick inbox gateway; do
  id=$(cascade console -c tree | sed -n "s/.* $name  worker #\([0-9]*\).*/\1/p")
  [[ -n $id ]] || fail "no $name in the tree"
  cascade console -c "kill $id" >/dev/null
  until_true 20 cascade status
  cascade task push echo --payload '{"after": "a kill"}' --wait >/dev/null || fail "no work after $name was killed"
done

# Tasks that run when the service is told to stop are finished first.
cascade task push sleep --payload '{"ms": 400}' >/dev/null
until_true 10 sh -c "[ \$('$bin/cascade' --data-dir '$work/a' psql -- -XAtc \"select count(*) from cascade.task where status = 'running'\") = 1 ]"
conninfo=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["conninfo"])' "$work/a/service.json")

# A standby on the same database takes over when the first one has stopped: here it is killed and its
# server, which outlives it, stays.
"$bin/own_handlers" --data-dir "$work/c" --database "$conninfo" 2>>"$work/c.log" &
standby=$!
pids+=("$standby")
kill -9 "$first"
wait "$first" 2>/dev/null || true
node=c
until_true 60 "$bin/cascade" --data-dir "$work/c" status
equal "$(cascade task push greet --payload '{"name": "Ada"}' --wait --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["result"]["greeting"])')" \
  "Hello, Ada" "a handler of one's own"
until_true 20 sh -c "[ \$('$bin/cascade' --data-dir '$work/c' psql -- -XAtc \"select count(*) from cascade.task where status < 'completed'\") = 0 ]"
equal "$(sql "select count(*) from cascade.task where status <> 'completed'")" 0 "tasks left behind"
stop "$standby"
