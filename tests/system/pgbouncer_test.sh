#!/usr/bin/env bash
# Producers behind PgBouncer in transaction mode: everything they push is done, and an insert wakes a sleeping service.
source "$(dirname "$0")/lib.sh" "$1"
start_server
# The fallback poll at its maximum: what is taken up within a second was announced by the doorbell.
export CASCADE_ENGINE_INBOX_POLL_ASLEEP=10m
start a --database "$server"
server_sql "create role app login; grant cascade_producer, cascade_reader to app" >/dev/null

# Four server connections for sixteen clients. It refuses to run as root.
mkdir "$work/pool"
echo '"app" ""' >"$work/pool/users.txt"
cat >"$work/pool/pgbouncer.ini" <<INI
[databases]
cascade = host=$work/server/run port=54329 dbname=cascade
[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = $work/pool
auth_type = trust
auth_file = $work/pool/users.txt
pool_mode = transaction
default_pool_size = 4
max_client_conn = 100
INI
as_user=()
if [[ $(id -u) -eq 0 ]]; then
  user=${CASCADE_POSTGRES_USER:-postgres}
  chown "$user" "$work/pool"
  as_user=(setpriv "--reuid=$user" "--regid=$(id -g "$user")" --init-groups)
fi
"${as_user[@]}" "$(command -v pgbouncer || echo /usr/sbin/pgbouncer)" -q "$work/pool/pgbouncer.ini" 2>>"$work/pool.log" &
pooler=$!
pids+=("$pooler")
pooled="host=$work/pool port=6432 user=app dbname=cascade"
pooled_sql() { psql -XAtq -v ON_ERROR_STOP=1 "$pooled" -c "$1"; }
until_true 20 pooled_sql "select 1"

# 16 clients: single inserts, functions, transactions that roll back, jobs with tasks of their own.
cat >"$work/single.sql" <<'SQL'
insert into cascade.task (handler) values ('noop');
SQL
cat >"$work/several.sql" <<'SQL'
begin;
insert into cascade.task (handler, payload) values ('echo', '{"n": 1}'), ('noop', '{}');
select cascade.add_task('echo', '{"n": 2}');
savepoint s;
insert into cascade.task (handler) values ('never');
rollback to s;
commit;
SQL
cat >"$work/rolled_back.sql" <<'SQL'
begin;
insert into cascade.task (handler) values ('never');
rollback;
SQL
cat >"$work/job.sql" <<'SQL'
begin;
select cascade.start_job() as job \gset
select cascade.add_task('noop', job_id => :job);
select cascade.add_task('noop', job_id => :job);
commit;
SQL
none_left() {
  until_true 60 server_says "select count(*) from cascade.task where status <> 'completed'" 0
  equal "$(server_sql "select count(*) from cascade.task")" "$1" "tasks"
}
pushed=0
for protocol in simple extended; do
  pgbench -n -M "$protocol" -c 16 -t 100 -f "$work/single.sql@4" -f "$work/several.sql@4" -f "$work/rolled_back.sql@1" \
    -f "$work/job.sql@1" "$pooled" >"$work/pgbench.log" 2>&1 || fail "pgbench: $(tail -n 3 "$work/pgbench.log")"
  count=$(awk '
    /^SQL script [0-9]+:/ { tasks = /single/ ? 1 : /several/ ? 3 : /job/ ? 2 : 0 }
    /transactions \(/ { n += $2 * tasks }
    END { print n }' "$work/pgbench.log")
  [[ $count -gt 1000 ]] || fail "pgbench pushed only $count tasks"
  pushed=$((pushed + count))
  none_left "$pushed"
done
equal "$(server_sql "select count(*) from cascade.job where status <> 'completed'")" 0 "unfinished jobs"
clients=$(server_sql "select count(distinct pid) from pg_stat_activity where usename = 'app'")
[[ $clients -le 4 ]] || fail "the clients were not pooled: $clients connections"

# Asleep: the owner holds the 16 doorbell locks. Each insert rings.
asleep="select count(*) from pg_locks
  where locktype = 'advisory' and classid = 727002 and mode = 'ExclusiveLock' and granted"
for n in {1..30}; do
  until_true 20 server_says "$asleep" 16
  id=$(pooled_sql "select cascade.add_task('noop')")
  until_true 20 server_says "select status from cascade.task where id = $id" completed
  late=$(server_sql "select finished_at - created_at from cascade.task
    where id = $id and finished_at - created_at > interval '1 second'")
  [[ -z $late ]] || fail "insert $n was taken up after $late"
done
none_left $((pushed + 30))
equal "$(server_sql "select count(*) from cascade.task where handler = 'never'")" 0 "tasks that were rolled back"
echo "$pushed tasks through $clients connections; slowest wake-up of 30: $(server_sql "
  select max(finished_at - created_at) from (select * from cascade.task order by id desc limit 30) last")"
stop "$service"
stop "$pooler" || true  # it says that it was told to
