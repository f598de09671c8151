#!/usr/bin/env bash
# A node that lost its lanes writes nothing any more, whatever made it lose them: stopped for a while and cut off, killed,
# or dispossessed while it works. The other node goes on; at the end every task is completed, once.
source "$(dirname "$0")/lib.sh" "$1"
start_server
load_rows=3000
pushed=0

# Short and long tasks, in the background; sets $load.
cat >"$work/load.sql" <<'SQL'
\set ms random(0, 60)
insert into cascade.task (handler, payload) values ('sleep', json_build_object('ms', :ms)), ('noop', '{}'), ('noop', '{}');
SQL
begin_load() {
  pgbench -n -c 4 -t $((load_rows / 12)) -R 250 -f "$work/load.sql" "$server" >"$work/pgbench.log" 2>&1 &
  load=$!
  pids+=("$load")
  pushed=$((pushed + load_rows))
}
under_way() {  # some of this load is done, much is not
  local done_before=$((pushed - load_rows))
  until_true 30 server_says "select count(*) > $done_before + 200 from cascade.task where status = 'completed'" t
  kill -0 "$load" || fail "the load was over too soon"
}
end_load() {
  wait "$load" || fail "pgbench failed"
  until_true 60 server_says "select count(*) from cascade.task where status = 'completed'" "$pushed"
}
owner() { server_sql "select epoch from cascade.node where stopped_at is null"; }
new_owner() { [[ $(owner) -gt $1 ]]; }
writers() { server_sql "select count(*) from cascade.writer where epoch = $1"; }
backends() {
  server_sql "select string_agg(pid::text, ',') from pg_stat_activity
    where application_name ~ '^cascade (reader|writer|listener)'"
}
# Everything a lost node must not touch: all finished tasks.
finished="select md5(string_agg(t::text, ' ' order by t.id)) from cascade.task t where status >= 'completed'"
written_by="select coalesce(md5(string_agg(t::text, ' ' order by t.id)), 'nothing') from cascade.task t
  where status >= 'completed' and epoch ="
standbys() { grep -c 'cascade.gateway.standby' "$work/$1.log" || true; }
is_standby_again() { [[ $(standbys "$1") -gt $2 ]]; }

start a --database "$server" --node-name a
a=$service
a_backends=$(backends)
start_unready b --database "$server" --node-name b
b=$service
until_true 20 logged b cascade.gateway.standby

# 1. Stopped under load and cut off; the standby takes over and finishes everything. Then it wakes up.
first=$(owner)
begin_load
under_way
kill -STOP "$a"
server_sql "select pg_terminate_backend(pid) from unnest(array[$a_backends]) pid" >/dev/null
until_true 20 new_owner "$first"
second=$(owner)
frozen=$(server_sql "$written_by $first")
[[ $frozen != nothing ]] || fail "the first owner had finished nothing: this proves little"
end_load
everything=$(server_sql "$finished")
standbys=$(standbys a)
kill -CONT "$a"
until_true 30 is_standby_again a "$standbys"
logged a cascade.gateway.fenced || fail "the lost node did not notice"
equal "$(server_sql "$finished")" "$everything" "rows after the lost node woke up"
equal "$(writers "$first")" 0 "writers of the lost node"
if "$bin/cascade" --data-dir "$work/a" status >/dev/null 2>&1; then fail "a standby says that it is ready"; fi

# 2. The owner is killed under load: the one that had lost takes over again.
begin_load
under_way
kill -9 "$b"
wait "$b" 2>/dev/null || true
until_true 20 new_owner "$second"
end_load
equal "$(server_sql "select name from cascade.node where stopped_at is null")" a "the owner after the kill"
until_true 20 "$bin/cascade" --data-dir "$work/a" status

# 3. As 1, but it wakes up while the other one is busy.
third=$(owner)
a_backends=$(backends)
start_unready b --database "$server" --node-name b
b=$service
until_true 20 is_standby_again b 1
begin_load
under_way
kill -STOP "$a"
server_sql "select pg_terminate_backend(pid) from unnest(array[$a_backends]) pid" >/dev/null
until_true 20 new_owner "$third"
frozen=$(server_sql "$written_by $third")
kill -CONT "$a"
end_load
equal "$(writers "$third")" 0 "writers of the lost node"
equal "$(server_sql "$written_by $third")" "$frozen" "outcomes written by the lost node"

# 4. Dispossessed with its connections intact: only the fence is in its way. Somebody takes the epoch from it under load.
fourth=$(owner)
begin_load
under_way
usurper=$(server_sql "select epoch from cascade.take_over('usurper', 0, '0', '{}', '{}', 2)")
frozen=$(server_sql "$written_by $fourth")
until_true 30 new_owner "$usurper"
end_load
equal "$(writers "$fourth")" 0 "writers of the dispossessed node"
equal "$(server_sql "$written_by $fourth")" "$frozen" "outcomes written by the dispossessed node"
logged b cascade.recorder.fenced || fail "the dispossessed node did not notice"

equal "$(server_sql "select count(*) from cascade.task where status <> 'completed'")" 0 "unfinished tasks"
equal "$(server_sql "select count(*) from cascade.task")" "$pushed" "tasks"
equal "$(server_sql "select count(*) from (select task_id from cascade.attempts where outcome = 'completed'
  group by task_id having count(*) > 1) twice")" 0 "tasks completed twice"
equal "$(server_sql "select completed from cascade.queue_stats where queue = 'default'")" "$pushed" "the counters"
echo "$pushed tasks, owners in turn: $(server_sql "select string_agg(name, ' ' order by epoch) from cascade.node")"
# A node that lost its lanes has nothing to wait for when it is told to stop.
begun=$SECONDS
stop "$a"
[[ $((SECONDS - begun)) -lt 15 ]] || fail "the standby took $((SECONDS - begun)) s to stop"
stop "$b"
