"""Workloads of jobs: chains, fan-outs, many at once. Cascade alone; loose tasks are the reference."""

import json
import threading
import time

from . import load
from .server import Sql


def _apply(node, name, steps):
    node.sql.run("select cascade.apply_workflow(%s, %s)", name, json.dumps({"name": name, "steps": steps}))


def _run_job(node, workflow):
    """Starts one job and returns its row once it has ended: (status, seconds from insert to end)."""
    job = node.sql.one("select cascade.start_job(%s)", workflow)
    while True:
        status, seconds = node.sql.run(
            "select status::text, extract(epoch from finished_at - created_at)::float8 from cascade.job where id = %s", job
        )[0]
        if status in ("completed", "failed", "cancelled"):
            break
        time.sleep(0.002)
    if status != "completed":
        raise RuntimeError(f"job {job} is {status}")
    return job, seconds


def chain(c):
    """One job of 40 and of 400 no-op steps, each after the one before: milliseconds a step."""
    with c.cascade() as node:
        node.start().wait_ready()
        row = {}
        for length, times in ((40, 5 if c.quick else 50), (400, 2 if c.quick else 10)):
            name = f"chain_{length}"
            _apply(node, name, [{"name": f"s{i}", "handler": "noop"} | ({"depends_on": [f"s{i - 1}"]} if i else {})
                                for i in range(length)])  # fmt: skip
            _run_job(node, name)
            steps = []
            for _ in range(times):
                job, _ = _run_job(node, name)
                at = [r[0] for r in node.sql.run(
                    "select extract(epoch from started_at)::float8 from cascade.task where job_id = %s order by started_at",
                    job)]  # fmt: skip
                steps += [1000 * (b - a) for a, b in zip(at, at[1:])]
                time.sleep(0.05)
            measured = load.percentiles(steps)
            row |= {f"p50_ms_{length}": measured["p50"], f"p99_ms_{length}": measured["p99"]}
        return {"cascade": row}


def _loose(node, n):
    """Seconds from the insert of n loose no-op tasks, service idle, to the last one's end."""
    before = node.sql.one("select coalesce(max(id), 0) from cascade.task")
    node.sql.run("insert into cascade.task (handler, payload) select 'noop', '{\"i\": 1}' from generate_series(1, %s)", n)
    node.wait_empty()
    return node.sql.one(
        "select extract(epoch from max(finished_at) - min(created_at))::float8 from cascade.task where id > %s", before
    )




def fan_out(c):
    """A list of 10,000, a step for each, and one that follows all; against 10,000 loose tasks."""
    n = 1_000 if c.quick else 10_000
    with c.cascade() as node:
        node.start().wait_ready()
        _apply(node, "fan", [
            {"name": "list", "handler": "echo", "input": list(range(n))},
            {"name": "each", "handler": "noop", "depends_on": ["list"], "for_each": "steps.list.result",
             "input": {"i": "${item}"}},
            {"name": "end", "handler": "noop", "depends_on": ["each"]},
        ])  # fmt: skip
        loose, fan = [], []
        for _ in range(2 if c.quick else 7):
            loose.append(_loose(node, n))
            fan.append(_run_job(node, "fan")[1])
        loose, fan = load.percentiles(loose)["p50"], load.percentiles(fan)["p50"]
        return {"loose tasks": {"seconds": loose}, "cascade": {"seconds": fan, "ratio": fan / loose}}


class CounterWatch:
    """Compares the counters with the rows, at one snapshot, for as long as it lives."""

    def __init__(self, server, database):
        self.looks = self.wrong = 0
        self._stop = threading.Event()
        self._sql = Sql(server, database)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        while not self._stop.is_set():
            self.look()
            self._stop.wait(0.2)

    def look(self):
        self.looks += 1
        self.wrong += self._sql.one(
            "select count(*) from (select id as job_id, pending + waiting + running as open, completed from cascade.jobs) j "
            "full join (select job_id, count(*) filter (where status < 'completed') as open, "
            "count(*) filter (where status = 'completed') as completed from cascade.task where job_id is not null group by job_id) t using (job_id) "
            "where (j.open, j.completed) is distinct from (coalesce(t.open, 0), coalesce(t.completed, 0))"
        )

    def end(self):
        self._stop.set()
        self._thread.join()
        self.look()
        self._sql.close()


def many_jobs(c):
    """50 jobs of 2,000 tasks at once against as many loose tasks; counters compared with the rows throughout."""
    jobs_, each = (10, 500) if c.quick else (50, 2_000)
    with c.cascade() as node:
        node.start().wait_ready()
        _apply(node, "bag", [{"name": "list", "handler": "echo", "input": list(range(each))},
                             {"name": "each", "handler": "noop", "depends_on": ["list"],
                              "for_each": "steps.list.result", "input": {"i": "${item}"}}])  # fmt: skip
        loose, inside = [], []
        for _ in range(1 if c.quick else 3):
            loose.append(_loose(node, jobs_ * each))
            node.sql.run("select cascade.start_job('bag') from generate_series(1, %s)", jobs_)
            while node.sql.one("select count(*) from cascade.job where finished_at is null") != 0:
                time.sleep(0.02)
            inside.append(node.sql.one("select extract(epoch from max(finished_at) - min(created_at))::float8 from "
                                       "(select * from cascade.jobs order by id desc limit %s) j", jobs_))  # fmt: skip
        # Once more, watched: the comparison itself costs, so it is not part of the timing.
        watch = CounterWatch(c.server, node.database)
        node.sql.run("select cascade.start_job('bag') from generate_series(1, %s)", jobs_)
        while node.sql.one("select count(*) from cascade.job where finished_at is null") != 0:
            time.sleep(0.02)
        watch.end()
        loose, inside = load.percentiles(loose)["p50"], load.percentiles(inside)["p50"]
        return {"loose tasks": {"seconds": loose},
                "cascade": {"seconds": inside, "ratio": inside / loose, "counter_looks": watch.looks,
                            "counters_wrong": watch.wrong}}  # fmt: skip
