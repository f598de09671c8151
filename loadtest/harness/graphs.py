"""The graphs that ask most of the database, all at once, with keys that they share."""

import json
import os
import subprocess
import tempfile
import time

FUNNEL = {
    "name": "funnel",
    "steps": [
        {"name": "list", "handler": "echo", "input": list(range(1000))},
        {"name": "parent", "handler": "noop", "depends_on": ["list"], "for_each": "steps.list.result"},
        {"name": "child", "handler": "noop", "depends_on": ["parent"]},
    ],
}
BIPARTITE = {
    "name": "bipartite",
    "steps": [{"name": f"a{i}", "handler": "noop"} for i in range(50)]
    + [{"name": f"b{i}", "handler": "noop", "depends_on": [f"a{j}" for j in range(50)]} for i in range(50)],
}
# pgbench: how often of 100, and what one of 64 connections does then.
MIX = [
    (1, "select cascade.start_job('funnel');"),
    (3, "select cascade.start_job('bipartite');"),
    (66, "\\set k random(1, 20)\n"
         "insert into cascade.task (handler, queue, concurrency_key, rate_key) values ('noop', 'keyed', 'key ' || :k, 'key ' || :k);"),
    (15, "\\set k random(1, 1000)\n"
         "insert into cascade.task (handler, unique_key) values ('noop', 'key ' || :k) on conflict do nothing;"),
    (10, "\\set p random(0, 100)\n"
         "select cascade.set_priority(j.id, :p) from (select id from cascade.job where finished_at is null limit 1 offset :p) j;"),
    (5, "\\set n random(0, 100)\n"
        "select cascade.cancel_job(j.id) from (select id from cascade.job where finished_at is null limit 1 offset :n) j;"),
]  # fmt: skip


def worst(c):
    """64 connections start funnels of 1,000 and bipartite graphs of 50 x 50, push, cancel and reprioritize for 5 minutes."""
    seconds = 5 if c.quick else 300
    with c.cascade(settings="reconcile:\n  every: 5s\n") as node, tempfile.TemporaryDirectory() as home:
        os.chmod(home, 0o755)
        for w in (FUNNEL, BIPARTITE):
            node.sql.run("select cascade.apply_workflow(%s, %s)", w["name"], json.dumps(w))
        node.sql.run("select cascade.limit_key_concurrency('keyed', 2)")
        node.start().wait_ready()
        flags = []
        for i, (weight, text) in enumerate(MIX):
            path = os.path.join(home, f"{i}.sql")
            with open(path, "w", encoding="utf-8") as f:
                f.write(text + "\n")
            flags += ["-f", f"{path}@{weight}"]
        out = subprocess.run(
            [os.path.join(c.server.bin, "pgbench"), "-n", "-c", "64", "-j", "2", "-R", "600", "-T", str(seconds), *flags,
             "-h", c.server.home, "-p", str(c.server.port), "-U", "postgres", node.database],
            capture_output=True, text=True, check=False, timeout=seconds + 300,
        )  # fmt: skip
        if out.returncode != 0:
            raise RuntimeError(out.stdout + out.stderr)
        done = next(int(line.split(":")[1].split("/")[0]) for line in out.stdout.splitlines() if "actually processed" in line)
        node.wait_empty()
        while node.sql.one("select exists (select from cascade.job where finished_at is null)"):
            time.sleep(0.1)
        rounds = node.sql.one("select rounds from cascade.reconciliation")
        while node.sql.one("select rounds from cascade.reconciliation") < rounds + 2:
            time.sleep(0.2)
        deadlocks = node.sql.one("select deadlocks from pg_stat_database where datname = current_database()")
        tasks, jobs = node.sql.run("select (select count(*) from cascade.task), (select count(*) from cascade.job)")[0]
        wrong = node.sql.one(
            "select count(*) from (select id, completed, cancelled, skipped, failed from cascade.jobs) j full join "
            "(select job_id as id, count(*) filter (where status = 'completed') as completed, "
            "count(*) filter (where status = 'cancelled') as cancelled, count(*) filter (where status = 'skipped') as skipped, "
            "count(*) filter (where status = 'failed') as failed from cascade.task where job_id is not null group by 1) t using (id) "
            "where (j.completed, j.cancelled, j.skipped, j.failed) is distinct from (t.completed, t.cancelled, t.skipped, t.failed)")  # fmt: skip
        return {"seconds": seconds, "transactions": done, "jobs": jobs, "tasks": tasks, "deadlocks": deadlocks,
                "counters_wrong": wrong, "repairs": node.sql.one("select repairs from cascade.reconciliation"),
                "rounds": node.sql.one("select rounds from cascade.reconciliation")}  # fmt: skip
