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

# A task gets another time: nearer, from beyond the horizon too; and farther, whatever it was.
for delay in 4m 10h; do
  id=$(cascade task push echo --delay $delay --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])')
  cascade task reschedule "$id" --delay 0s >/dev/null
  cascade task wait "$id" --timeout 20 >/dev/null || fail "a task due in $delay did not start at once"
done
id=$(cascade task push echo --delay 4m --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])')
cascade task reschedule "$id" --delay 10h >/dev/null
is_moved() { [[ $(sql "select run_at > now() + interval '9 hours' and status = 'waiting' from cascade.tasks where id = $1") == t ]]; }
until_true 10 is_moved "$id"
cascade task cancel "$id" >/dev/null

# Why a task does not run: the service is asked, or the rows, and both say the same.
id=$(cascade task push echo --requires gpu --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])')
later=$(cascade task push echo --delay 4m --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])')
conninfo=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["conninfo"])' "$work/a/service.json")
for source in owner rows; do
  where=(--data-dir "$work/a")
  [[ $source == owner ]] || where=(--database "$conninfo")
  for want in "$id no_capable_worker" "$later delay"; do
    "$bin/cascade" "${where[@]}" task explain "${want% *}" >"$work/why.txt"
    grep -q "^task ${want% *}: ${want#* }\." "$work/why.txt" || fail "not ${want#* }: $(cat "$work/why.txt")"
    grep -qx "source: $source" "$work/why.txt" || fail "not from $source: $(cat "$work/why.txt")"
  done
done
cascade console -c waiting | grep -q '^default  *delay  *1$' || fail "waiting: $(cascade console -c waiting)"
cascade task cancel "$id" "$later" >/dev/null
until_true 10 sh -c "[ \$('$bin/cascade' --data-dir '$work/a' psql -- -XAtc \"select count(*) from cascade.task where id in ($id, $later) and status = 'cancelled'\") = 2 ]"

# Tasks that run when the service is told to stop are finished first.
cascade task push sleep --payload '{"ms": 400}' >/dev/null
until_true 10 sh -c "[ \$('$bin/cascade' --data-dir '$work/a' psql -- -XAtc \"select count(*) from cascade.task where status = 'running'\") = 1 ]"

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
equal "$(sql "select count(*) from cascade.task where status not in ('completed', 'cancelled')")" 0 "tasks left behind"
stop "$standby"
