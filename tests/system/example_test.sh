#!/usr/bin/env bash
# The packages example gives what dpkg-query says, and the run can be read in SQL and on the command line.
source "$(dirname "$0")/lib.sh" "$1"
node=a
prepare_packages
start a --config "$work/cascade.yaml"
cascade workflow apply "$work/packages.yaml"
result="$(cascade job start packages --input "$(packages_input)" --wait --json)"
equal "$(jq -r .status <<<"$result" 2>/dev/null || python3 -c 'import json,sys; print(json.load(sys.stdin)["status"])' <<<"$result")" \
  completed "status of the job"
check_packages_report
equal "$(sql "select count(*) from cascade.tasks where finished_at is not null and started_at is null")" 0 "finished, never started"
equal "$(sql "select status from cascade.jobs where id = 1")" completed "the job's row"
equal "$(sql "select completed + failed + skipped from cascade.jobs where id = 1")" \
  "$(sql "select count(*) from cascade.tasks where job_id = 1")" "counters of the job"
# The same definition again makes no new version; a changed one does, and the old job keeps its own.
cascade workflow apply "$work/packages.yaml"
equal "$(sql "select max(version) from cascade.workflows where name = 'packages'")" 1 "version after the same definition"
sed -i 's/default: 5/default: 3/' "$work/packages.yaml"
cascade workflow apply "$work/packages.yaml"
equal "$(sql "select max(version) from cascade.workflows where name = 'packages'")" 2 "version after a change"
equal "$(sql "select version from cascade.jobs where id = 1")" 1 "version of the old job"
stop "$service"
