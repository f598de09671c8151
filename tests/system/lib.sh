# Shared by the tests of the built programs: source it with the folder of the binaries as $1.
# Each test has a directory of its own, services of its own, and a bound on everything it waits for.
set -euo pipefail
bin="$(cd "$1" && pwd)"
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
work="$(mktemp -d "${TMPDIR:-/tmp}/cascade-test.XXXXXX")"
chmod 711 "$work"
pids=()

# An embedded server outlives a killed service on purpose; here it must not outlive the test.
cleanup() {
  local status=$?
  for pid in "${pids[@]:-}"; do [[ -n $pid ]] && kill -9 "$pid" 2>/dev/null || true; done
  [[ ! -d $work/server ]] || "$root/script/test-postgres" stop "$work/server" || true
  for file in "$work"/*/postgres/postmaster.pid; do
    [[ -f $file ]] && kill -QUIT "$(head -n 1 "$file")" 2>/dev/null || true
  done
  if [[ $status -ne 0 ]]; then
    for log in "$work"/*.log; do [[ -f $log ]] && { echo "--- $log"; tail -n 60 "$log"; }; done
  fi
  rm -rf "$work"
  exit "$status"
}
trap cleanup EXIT

fail() { echo "FAILED: $*" >&2; exit 1; }
equal() { [[ "$1" == "$2" ]] || fail "$3: expected '$2', got '$1'"; }

# until_true SECONDS COMMAND...: runs it until it succeeds.
until_true() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [[ $SECONDS -lt $end ]] || fail "not within the time: $*"
    read -rt 0.05 <> <(:) || true
  done
}

# start NAME ARGS...: a service with data directory $work/NAME; sets $service.
start() {
  start_unready "$@"
  until_true 60 "$bin/cascade" --data-dir "$work/$1" status
}
# The same for a standby, which is not ready before it takes over.
start_unready() {
  local name=$1
  shift
  "$bin/cascaded" --data-dir "$work/$name" "$@" 2>>"$work/$name.log" &
  service=$!
  pids+=("$service")
}
stop() {
  kill -TERM "$1"
  wait "$1"
}

# A Postgres server of the test's own, with an empty database for services: sets $server, for services and psql.
start_server() {
  mkdir "$work/server"
  "$root/script/test-postgres" start "$work/server"
  server="host=$work/server/run port=54329 user=postgres dbname=cascade"
  psql -XAtq "${server/dbname=cascade/dbname=postgres}" -c "create database cascade"
}
# server_sql SQL: one statement on it, whatever becomes of the services.
server_sql() { psql -XAtq -v ON_ERROR_STOP=1 "$server" -c "$1"; }
server_says() { [[ $(server_sql "$1") == "$2" ]]; }
logged() { grep -q "$2" "$work/$1.log"; }  # logged NAME PATTERN

cascade() { "$bin/cascade" --data-dir "$work/$node" "$@"; }
sql() { cascade psql -- -XAtq -v ON_ERROR_STOP=1 -c "$1"; }

# The packages example on $node: prepares its files, sets $input.
prepare_packages() {
  printf 'handlers:\n  plugins: ["%s/../lib/packages_plugin.so"]\n' "$bin" >"$work/cascade.yaml"
  sed "s|@HERE@|$root/examples/packages|g" "$root/examples/packages/workflow.yaml.in" >"$work/packages.yaml"
}
packages_input() {
  python3 -c 'import json, sys
conninfo = json.load(open(sys.argv[1] + "/service.json"))["conninfo"]
print(json.dumps({"report_file": sys.argv[2], "psql": ["psql", conninfo]}))' "$work/$node" "$work/report.txt"
}
check_packages_report() {
  local installed='${db:Status-Status} ${Installed-Size} ${Section}\n'
  local want
  want=$(dpkg-query -W -f "$installed" | awk '$1 == "installed" { n++; s += $2 } END { print n, s }')
  equal "$(awk '/^Installed packages:/ { n = $3 } /^Installed size:/ { s = $3 } END { print n, s }' "$work/report.txt")" \
    "$want" "packages and size of the report"
  equal "$(sql "select sum(packages) || ' ' || sum(size_kib) from public.package_section")" "$want" "the loaded table"
  equal "$(sql "select string_agg(section, ' ' order by size_kib desc, section) from
      (select * from public.package_section order by size_kib desc, section limit 5) top")" \
    "$(dpkg-query -W -f "$installed" | awk '$1 == "installed" { s[$3 == "" ? "unknown" : $3] += $2 }
      END { for (k in s) print s[k], k }' | LC_ALL=C sort -k1,1nr -k2,2 | head -n 5 | cut -d' ' -f2 | paste -sd' ')" \
    "top sections"
}
