#!/usr/bin/env bash
# A node whose wall clock is an hour fast or slow: nothing is due at another time for it.
source "$(dirname "$0")/lib.sh" "$1"
start_server
node=a

# The log has the node's own time: the test itself would notice a clock that is not skewed.
log_is_off_by() {
  local logged
  logged=$(date -d "$(head -n 1 "$work/a.log" | cut -c1-19)" +%s)
  python3 -c 'import sys; off, want = map(int, sys.argv[1:]); sys.exit(abs(off - want) > 600)' \
    $((logged - $(date +%s))) "$1" || fail "the node's clock was not skewed by $1 s"
}

for skew in 3600 -3600; do
  : >"$work/a.log"
  # (ASan wants to be the first library, which does not matter here.)
  ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0" LD_PRELOAD="$bin/../lib/skewed_clock.so" \
    CASCADE_TEST_SKEW=$skew start a --database "$server"
  log_is_off_by "$skew"
  server_sql "insert into cascade.task (handler, run_at) select 'noop', clock_timestamp() + i * interval '30 ms'
    from generate_series(1, 100) i"
  server_sql "insert into cascade.task (handler, payload) values ('fail', '{\"times\": 1}')"
  server_sql "insert into cascade.task (handler, run_at) values ('echo', clock_timestamp() + interval '50 minutes')"
  server_sql "insert into cascade.schedule (name, every, handler, starts_at)
    values ('often', '1 second', 'noop', clock_timestamp())"
  until_true 30 server_says "select count(*) from cascade.tasks where status = 'completed' and handler in ('noop', 'fail')
    and job_id is null" 101
  until_true 30 server_says "select count(*) >= 3 from cascade.schedule_tick" t
  equal "$(server_sql "select count(*) from cascade.tasks where started_at < run_at")" 0 "tasks that started early"
  equal "$(server_sql "select count(*) from cascade.tasks where run_at + interval '20 minutes' < started_at
    or started_at > clock_timestamp() or finished_at > clock_timestamp()")" 0 "times that are the node's own"
  equal "$(server_sql "select count(*) from cascade.schedule_tick where tick > clock_timestamp()")" 0 "ticks of the future"
  equal "$(server_sql "select status from cascade.tasks where handler = 'echo'")" waiting "what is due in 50 minutes"
  stop "$service"
  server_sql "drop schema cascade cascade"
done
