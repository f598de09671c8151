#!/usr/bin/env bash
# sql/schema.sql is what the migrations make.
source "$(dirname "$0")/lib.sh" "$1"
node=a
start a
conninfo=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["conninfo"])' "$work/a/service.json")
"$root/script/dump-schema" "$conninfo" "$work/schema.sql"
diff -u "$root/sql/schema.sql" "$work/schema.sql" || fail "sql/schema.sql is stale: run script/dump-schema"
cascade migrate --status >/dev/null
stop "$service"
