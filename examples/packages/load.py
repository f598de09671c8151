#!/usr/bin/env python3
"""Step load: one row a section into the user's own table public.package_section, in one transaction with psql.

stdin:  {"psql": ["psql", ...], "rows": [{"section": .., "packages": .., "size_kib": .., "largest": ..}]}
stdout: {"rows": n}
Runs again without harm: the table is replaced as a whole.
"""
import json
import subprocess
import sys

SQL = """
begin;
create table if not exists public.package_section (
  section text primary key,
  packages int not null,
  size_kib bigint not null,
  largest text
);
delete from public.package_section;
insert into public.package_section
  select section, packages, size_kib, largest
  from json_to_recordset(:'rows'::json) as r (section text, packages int, size_kib bigint, largest text);
commit;
"""


def main():
    job = json.load(sys.stdin)
    # The rows go through stdin as a psql variable would be too long for an argument.
    script = "\\set rows '" + json.dumps(job["rows"]).replace("\\", "\\\\").replace("'", "''") + "'\n" + SQL
    done = subprocess.run(job["psql"] + ["-X", "-q", "-v", "ON_ERROR_STOP=1"], input=script, text=True,
                          capture_output=True, check=False)
    if done.returncode != 0:
        sys.exit("load failed: " + done.stderr)
    json.dump({"rows": len(job["rows"])}, sys.stdout)


if __name__ == "__main__":
    main()
