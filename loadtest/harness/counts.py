"""What counters cost, and whether they stay right."""

import json
import random
import time

from . import load


def _drain(c, jobs, each, counted=True):
    """Drains jobs of no-op tasks: microseconds of the database's processors for each task."""
    with c.cascade(settings="reconcile:\n  every: 0s\n") as node:
        node.sql.run("insert into cascade.job (keep_open) select true from generate_series(1, %s)", jobs)
        node.sql.run("insert into cascade.task (handler, job_id) select 'noop', j.id "
                     "from generate_series(1, %s) i, cascade.job j", each)  # fmt: skip
        if not counted:
            node.sql.run("alter table cascade.task disable trigger task_900_count")
        node.sql.run("vacuum analyze")
        cpu = c.server.cpu_seconds()
        node.start()
        # Not by the counters: one of the runs has none.
        while node.sql.one("select exists (select from cascade.task_unfinished)"):
            time.sleep(0.05)
        return 1e6 * (c.server.cpu_seconds() - cpu) / (jobs * each)


def job_size(c):
    """Cost of a task in a job of 1,000,000 tasks against jobs of 1,000: database CPU, us a task."""
    total = 20_000 if c.quick else 1_000_000
    small = _drain(c, total // 1000, 1000)
    large = _drain(c, 1, total)
    return {"tasks": total, "jobs_of_1000_us": small, "one_job_us": large, "ratio": large / small}


def share(c):
    """What counting adds to the drain of 300,000 tasks: database CPU, us a task."""
    total = 20_000 if c.quick else 300_000
    counted, uncounted = _drain(c, 1, total), _drain(c, 1, total, counted=False)
    return {"tasks": total, "counted_us": counted, "uncounted_us": uncounted, "share": 1 - uncounted / counted}


def history(c):
    """queue_stats beside 10,000,000 finished tasks, milliseconds a query."""
    total = 200_000 if c.quick else 10_000_000
    with c.cascade(settings="reconcile:\n  every: 0s\n") as node:
        node.sql.run("set session_replication_role = replica")  # no triggers: the counters come by the reconciler
        for part in range(10):
            node.sql.run("insert into cascade.task (xid, handler, status, attempt, started_at, finished_at, finished_on, queue) "
                         "select '0', 'noop', 'completed', 1, now(), now(), cascade.today(), 'queue ' || i %% 10 "
                         "from generate_series(1, %s) i", total // 10)  # fmt: skip
        begun = time.monotonic()
        node.cli("reconcile", check=False)
        took = time.monotonic() - begun
        node.sql.run("vacuum analyze")
        node.start().wait_ready()
        counted = node.sql.one("select sum(completed)::bigint from cascade.queue_stats")
        if counted != total:
            raise RuntimeError(f"{counted} of {total} are counted")
        ms = []
        for _ in range(1000):
            begun = time.monotonic()
            node.sql.run("select * from cascade.queue_stats")
            ms.append(1000 * (time.monotonic() - begun))
        return {"finished": total, "reconciled_s": took} | load.percentiles(ms)


def drift(c):
    """Counters that somebody changes by 1 to 1,000 under load: seconds until they are repaired, repairs for each change."""
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    every = 2
    with c.cascade(settings=f"reconcile:\n  every: {every}s\n") as node:
        node.start().wait_ready()
        late, repairs = [], []
        for _ in range(3 if c.quick else 20):
            node.sql.run("insert into cascade.task (handler) select 'noop' from generate_series(1, 2000)")
            node.wait_empty()
            before = node.sql.one("select count(*) from cascade.counter_repair")
            off = chance.choice((-1, 1)) * chance.randint(1, 1000)
            node.sql.run("insert into cascade.queue_counter as c (queue, completed) values ('default', %s) "
                         "on conflict (queue) do update set completed = c.completed + excluded.completed", off)  # fmt: skip
            begun = time.monotonic()
            while node.sql.one("select count(*) from cascade.counter_repair") == before:
                if time.monotonic() - begun > 10 * every:
                    raise RuntimeError(f"seed {seed}: a counter off by {off} was not repaired")
                time.sleep(0.02)
            late.append(time.monotonic() - begun)
            time.sleep(1.5 * every)  # another round must find nothing
            found = node.sql.run("select off_by from cascade.counter_repair order by repaired_at offset %s", before)
            repairs.append(len(found))
            if [abs(f[0]) for f in found] != [abs(off)]:
                raise RuntimeError(f"seed {seed}: off by {off}, repaired {json.dumps(found)}")
        return {"seed": seed, "every_s": every, "changes": len(late), "found_in_s_max": max(late), "repairs_each": max(repairs)}
