"""How soon a change of priority counts, and what a storm of them costs the rest."""

import threading
import time

from . import load
from .server import Sql


def _statements(c, node):
    """How often each statement was sent by the first writer."""
    return c.console(node, "statements")["writer"]["by_name"]


def first_effect(c):
    """A job of 10,000 pending tasks gets priority 90 while others of 60 keep the workers busy: ms to its first start."""
    tasks, rounds = (1_000, 3) if c.quick else (10_000, 20)
    with c.cascade(settings="workers: 4\n") as node:
        node.start().wait_ready()
        node.sql.run("insert into cascade.task (handler, payload, priority) "
                     "select 'sleep', '{\"ms\": 1}', 60 from generate_series(1, %s)", 60_000 if c.quick else 400_000)  # fmt: skip
        took = []
        for _ in range(rounds):
            job = node.sql.one("select cascade.start_job(priority => 10, keep_open => true)")
            node.sql.run("insert into cascade.task (handler, payload, priority, job_id) "
                         "select 'sleep', '{\"ms\": 1}', 10, %s from generate_series(1, %s)", job, tasks)  # fmt: skip
            time.sleep(2)
            # Its own transaction: the time of the commit is between the two readings of the clock.
            node.sql.run("select cascade.set_priority(%s, 90)", job)
            at = node.sql.one("select extract(epoch from clock_timestamp())::float8")
            end = time.monotonic() + 30
            started = "select extract(epoch from min(started_at))::float8 from cascade.task where job_id = %s"
            while (first := node.sql.one(started, job)) is None:
                if time.monotonic() > end:
                    raise RuntimeError("nothing of the job starts")
                time.sleep(0.01)
            took.append((first - at) * 1000)
            node.sql.run("select cascade.cancel_job(%s)", job)
            time.sleep(1)
        return load.percentiles(took) | {"tasks": tasks}


def _completions(node, seconds, rate=300):
    """Milliseconds from insert to end of a stream of tasks."""
    first = node.sql.one("select coalesce(max(id), 0) from cascade.task")
    stream = Sql(node.server, node.database)
    begun = time.monotonic()
    for i in range(int(seconds * rate)):
        stream.run("insert into cascade.task (handler, queue, priority) values ('noop', 'stream', 60)")
        time.sleep(max(0, begun + (i + 1) / rate - time.monotonic()))
    end = time.monotonic() + 60
    left = "select count(*) from cascade.task where id > %s and queue = 'stream' and finished_on is null"
    while node.sql.one(left, first) > 0:
        if time.monotonic() > end:
            raise RuntimeError("tasks of the stream are left over")
        time.sleep(0.1)
    stream.close()
    return [r[0] for r in node.sql.run(
        "select extract(epoch from finished_at - created_at)::float8 * 1000 from cascade.task "
        "where id > %s and queue = 'stream'", first)]  # fmt: skip


def storm(c):
    """100,000 changes, 80 % of them no-ops, beside 300 tasks a second: statements, and the completions with and without."""
    count, seconds = (10_000, 3) if c.quick else (100_000, 20)
    with c.cascade() as node:
        node.sql.run("insert into cascade.task (handler, run_at, queue) "
                     "select 'noop', now() + interval '1 day', 'later' from generate_series(1, %s)", count)  # fmt: skip
        node.start().wait_ready()
        time.sleep(2)
        quiet = _completions(node, seconds)
        before, reads = _statements(c, node), c.console(node, "priorities")["reads"]
        written = c.console(node, "priorities")["settlements"]
        noise = _completions_during(node, seconds, count)
        end = time.monotonic() + 120
        while node.sql.one("select count(*) from cascade.priority_change") > 0:
            if time.monotonic() > end:
                raise RuntimeError("changes are left over")
            time.sleep(0.1)
        now = c.console(node, "priorities")
        names = ("reprioritize_tasks", "reprioritize_jobs")
        after = _statements(c, node)
        statements = sum(after.get(n, 0) - before.get(n, 0) for n in names)
        statements += now["settlements"] - written + now["reads"] - reads  # a fence each
        alone, beside = load.percentiles(quiet), load.percentiles(noise)
        return {"changes": count, "statements": statements, "statements_per_change": statements / count,
                "no_op": now["no_op"], "written": now["written"], "p50_ms": alone["p50"], "p99_ms": alone["p99"],
                "storm_p50_ms": beside["p50"], "storm_p99_ms": beside["p99"],
                "p99_ratio": beside["p99"] / alone["p99"]}  # fmt: skip


def _completions_during(node, seconds, count):
    def changes():
        sql = Sql(node.server, node.database)
        for part in range(20):
            sql.run("insert into cascade.priority_change (task_id, priority) "
                    "select i, case when i %% 5 = 0 then 90 else 50 end from generate_series(%s, %s) i",
                    part * count // 20 + 1, (part + 1) * count // 20)  # fmt: skip
            time.sleep(seconds / 30)
        sql.close()

    thread = threading.Thread(target=changes)
    thread.start()
    try:
        return _completions(node, seconds)
    finally:
        thread.join()
