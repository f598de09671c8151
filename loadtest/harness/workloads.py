"""The workloads: each runs every system that takes part, once, and answers {row: {measure: value}}.

Rows are systems, or references: `floor` (Postgres with nothing around it) and `bare table`.
"""

import time

from . import jobs, load
from .server import Sql
from .systems import Cascade

INSERT = "insert into cascade.task (handler, payload) values ('noop', '{\"i\": 1}')"
INSERT_LATER = (
    "insert into cascade.task (handler, payload, run_at) values ('noop', '{\"i\": 1}', now() + interval '1 day')"
)
INSERT_MANY = (
    "insert into cascade.task (handler, payload) select 'noop', jsonb_build_object('i', i) from generate_series(1, 1000) i"
)
PROBE_URGENT = "insert into cascade.task (handler, queue, priority, payload) values ('probe', 'urgent', 90, $1::jsonb)"
PROBE = "insert into cascade.task (handler, payload) values ('probe', $1::jsonb)"
BARE = (
    "create table bare (id bigint generated always as identity primary key, created_at timestamptz not null "
    "default now(), queue text not null default 'default', handler text not null, payload jsonb not null)"
)
BARE_INSERT = "insert into bare (handler, payload) values ('noop', '{\"i\": 1}')"
BARE_MANY = "insert into bare (handler, payload) select 'noop', jsonb_build_object('i', i) from generate_series(1, 1000) i"
ADD_JOB = "select graphile_worker.add_job('noop', '{\"i\": 1}')"


class Context:
    """What a workload may use: the server, the binaries, the peers, and how long to take."""

    def __init__(self, server, build, peers, quick, profile):
        self.server, self.build, self.peers, self.quick, self.profile = server, build, peers, quick, profile

    def cascade(self, **more):
        return Cascade(self.server, self.build, more.pop("profile", self.profile), **more)

    def bare(self):
        sql = Sql(self.server, self.server.fresh("bare"))
        sql.run(BARE)
        sql.close()
        return "bare"

    def graphile(self):
        self.server.fresh("graphile")
        self.peers.run("graphile_worker", self.server, "graphile", task="migrate")
        return "graphile"


def drain(c):
    """No-op tasks inserted beforehand, payload about 20 bytes; from the start of the process to nothing left."""
    n = 30_000 if c.quick else 300_000
    rows = {}
    c.server.fresh("floor")
    rows["floor"] = load.floor(c.build, "--conninfo", c.server.conninfo("floor"), "complete", "--rows", str(n))
    with c.cascade() as node:
        node.sql.run("insert into cascade.task (handler, payload) select 'noop', jsonb_build_object('i', 1000000 + i) "
                     "from generate_series(1, %s) i", n)  # fmt: skip
        node.sql.run("vacuum analyze")
        begun = time.monotonic()
        node.start()
        seconds = node.wait_empty() - begun
        inside = node.sql.one("select extract(epoch from max(finished_at) - min(started_at))::float8 from cascade.task")
        rows["cascade"] = {"rows": n, "seconds": seconds, "per_second": n / seconds, "per_second_running": n / inside,
                           "rss_mb": node.rss_mb()}  # fmt: skip
    for name, mode, jobs_ in (("graphile-worker, fastest", "fastest", n), ("graphile-worker, default", "default", n // 10)):
        c.server.fresh("graphile")
        rows[name] = c.peers.run("graphile_worker", c.server, "graphile", task="drain", mode=mode, jobs=jobs_)
    c.server.fresh("pgboss")
    rows["pg-boss"] = c.peers.run("pg_boss", c.server, "pgboss", jobs=n // 5)
    return rows


def single_inserts(c):
    """One row a transaction; cascade runs and completes everything meanwhile, the others only insert."""
    seconds = 4 if c.quick else 15
    rows = {"cascade": {}, "graphile-worker, nobody running": {}, "bare table": {}}
    for clients in (16, 64):
        with c.cascade() as node:
            node.start().wait_ready()
            rows["cascade"][f"per_second_{clients}"] = load.pgbench(c.server, node.database, INSERT, clients, seconds)
            begun = time.monotonic()
            rows["cascade"][f"left_after_ms_{clients}"] = 1000 * (node.wait_empty() - begun)
        rows["bare table"][f"per_second_{clients}"] = load.pgbench(c.server, c.bare(), BARE_INSERT, clients, seconds)
        rows["graphile-worker, nobody running"][f"per_second_{clients}"] = load.pgbench(
            c.server, c.graphile(), ADD_JOB, clients, seconds)  # fmt: skip
    return rows


def later_inserts(c):
    """One row a transaction, all due tomorrow, nobody running: the cost of the triggers and the index."""
    seconds = 4 if c.quick else 10
    rows = {"cascade": {}, "bare table": {}}
    for clients in (16, 64):
        with c.cascade() as node:
            rows["cascade"][f"per_second_{clients}"] = load.pgbench(
                c.server, node.database, INSERT_LATER, clients, seconds)  # fmt: skip
        rows["bare table"][f"per_second_{clients}"] = load.pgbench(c.server, c.bare(), BARE_INSERT, clients, seconds)
    return rows


def bulk_inserts(c):
    """1,000 rows a transaction, 2 clients, nobody running; and with the service completing them."""
    seconds = 4 if c.quick else 10
    rows = {}
    with c.cascade() as node:
        rows["cascade"] = {"per_second": 1000 * load.pgbench(c.server, node.database, INSERT_MANY, 2, seconds)}
    with c.cascade() as node:
        node.start().wait_ready()
        begun = time.monotonic()
        rate = load.pgbench(c.server, node.database, INSERT_MANY, 2, seconds)
        took = node.wait_empty() - begun
        rows["cascade, completing"] = {"per_second": 1000 * rate, "completed_per_second": 1000 * rate * seconds / took}
    rows["bare table"] = {"per_second": 1000 * load.pgbench(c.server, c.bare(), BARE_MANY, 2, seconds)}
    return rows


def _probe_latency(node):
    return [r[0] for r in node.sql.run("select (result->>'us')::float8 from cascade.task where handler = 'probe'")]


def idle_latency(c):
    """One task at a time on an idle system: INSERT sent to handler entered (floor: to row read), microseconds."""
    count = 200 if c.quick else 1000
    rows = {}
    c.server.fresh("floor")
    floor = load.floor(c.build, "--conninfo", c.server.conninfo("floor"), "latency", "--count", str(count))
    rows["floor"] = load.percentiles(floor["late_us"]) | {"notified_p50": load.percentiles(floor["notified_us"])["p50"]}
    with c.cascade() as node:
        node.start().wait_ready()
        load.push(c.build, node.conninfo, PROBE, count, pause_ms=5)
        node.wait_empty()
        rows["cascade"] = load.percentiles(_probe_latency(node))
    database = c.graphile()
    server = c.peers.begin("graphile_worker", c.server, database, task="serve", mode="default")
    server.stdout.readline()
    load.push(c.build, c.server.conninfo(database), "select graphile_worker.add_job('probe', $1::json)", count, pause_ms=5)
    time.sleep(1)
    rows["graphile-worker"] = load.percentiles(c.peers.finish(server)["late_us"])
    return rows


def steady(c):
    """300 tasks a second, one insert each: INSERT sent to handler entered, microseconds."""
    with c.cascade() as node:
        node.start().wait_ready()
        load.push(c.build, node.conninfo, PROBE, 300 * (5 if c.quick else 60), rate=300)
        node.wait_empty()
        return {"cascade": load.percentiles(_probe_latency(node))}


def memory(c):
    """Resident memory of the service, MB."""
    row = {}
    with c.cascade() as node:
        node.start().wait_ready()
        time.sleep(1)
        row["idle_mb"] = node.rss_mb()
    with c.cascade(settings="workers: 10000\n") as node:
        node.start().wait_ready()
        node.sql.run("insert into cascade.task (handler, payload) select 'sleep', '{\"ms\": 5000}' "
                     "from generate_series(1, 10000)")  # fmt: skip
        time.sleep(3)
        row["in_flight"] = node.sql.one("select running from cascade.queue_stats where queue = 'default'")
        row["in_flight_mb"] = node.rss_mb()
    with c.cascade() as node:
        n = 100_000 if c.quick else 1_000_000
        node.sql.run("select cascade.pause_queue('default')")
        node.sql.run("insert into cascade.task (handler, payload) select 'noop', jsonb_build_object('i', i) "
                     "from generate_series(1, %s) i", n)  # fmt: skip
        node.start().wait_ready()
        time.sleep(1)
        row["pending_mb"] = node.rss_mb()
    return {"cascade": row}


def backlog(c):
    """10,000,000 pending tasks at the start: memory, the first start, and 50 urgent tasks a second beside their drain."""
    n = 100_000 if c.quick else 10_000_000
    with c.cascade() as node:
        for _ in range(10):
            node.sql.run("insert into cascade.task (handler, priority, payload) select 'noop', 10, jsonb_build_object('i', i) "
                         "from generate_series(1, %s) i", n // 10)  # fmt: skip
        node.sql.run("vacuum analyze")
        begun = node.sql.one("select extract(epoch from clock_timestamp())::float8")
        node.start().wait_ready()
        load.push(c.build, node.conninfo, PROBE_URGENT, 50 * (1 if c.quick else 30), rate=50)
        took = node.sql.one("select extract(epoch from clock_timestamp())::float8") - begun
        node.sql.run("select cascade.pause_queue('default')")
        urgent = "select count(*) from cascade.task where queue = 'urgent' and finished_on is null"
        end = time.monotonic() + 60
        while node.sql.one(urgent) > 0 and time.monotonic() < end:
            time.sleep(0.1)
        late = load.percentiles(_probe_latency(node))
        done = node.sql.one("select completed::float8 from cascade.queue_stats where queue = 'default'")
        first = node.sql.one("select min(extract(epoch from started_at))::float8 from cascade.task where finished_on is not null")
        return {"cascade": {"pending": n, "left": int(node.unfinished()), "peak_mb": node.rss_mb("VmHWM"), "first_start_s": first - begun,
                            "per_second": done / took, "urgent_p50": late["p50"], "urgent_p99": late["p99"]}}  # fmt: skip


def idle(c):
    """Nothing to do for a minute: queries a second, transaction ids used, share of a core."""
    seconds = 10 if c.quick else 60
    # Autovacuum analyzes what earlier workloads have left, in any database; each table takes an id.
    server = Sql(c.server, "postgres")
    try:
        server.run("alter system set autovacuum = off")
        server.run("select pg_reload_conf()")
        return {"cascade": _idle(c, seconds)}
    finally:
        server.run("alter system reset autovacuum")
        server.run("select pg_reload_conf()")
        server.close()


def _idle(c, seconds):
    with c.cascade() as node:
        node.start().wait_ready()
        time.sleep(3)
        ids = "select pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
        # Every statement of ours outside a transaction block is a transaction of its own.
        commits = "select xact_commit + xact_rollback from pg_stat_database where datname = current_database()"
        first_id, cpu = node.sql.one(ids), node.cpu_seconds()
        node.sql.run("select pg_stat_clear_snapshot()")
        before = node.sql.one(commits)
        time.sleep(seconds)
        used, cpu = node.sql.one(ids) - first_id, node.cpu_seconds() - cpu
        queries = node.sql.one(commits) - before
        return {"queries_per_second": queries / seconds, "transaction_ids": used, "cpu_percent": 100 * cpu / seconds}


def pinned(c):
    """A transaction left open all the time at 1,000 tasks a second: first minute against the last."""
    seconds = 20 if c.quick else 600
    with c.cascade() as node:
        node.start().wait_ready()
        pin = c.server.connect(node.database)
        pin.autocommit = False
        with pin.cursor() as cursor:
            cursor.execute("select pg_current_xact_id()")
        begun = time.monotonic()
        load.push(c.build, node.conninfo, PROBE, 1000 * seconds, rate=1000)
        took = node.wait_empty() - begun
        pin.rollback()
        pin.close()
        late = [r[0] for r in node.sql.run("select (result->>'us')::float8 from cascade.task order by id")]
        part = max(1, len(late) // 10)
        first, last = load.percentiles(late[:part]), load.percentiles(late[-part:])
        return {"cascade": {"per_second": len(late) / took, "p99_first_tenth": first["p99"],
                            "p99_last_tenth": last["p99"], "growth": last["p99"] / first["p99"]}}  # fmt: skip


def profiles(c):
    """Each profile of cascaded: drain, idle latency (microseconds), memory (MB), and what a task costs the database."""
    n, probes = (30_000, 200) if c.quick else (300_000, 1000)
    commits = "select xact_commit from pg_stat_database where datname = current_database()"
    wal = "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8"
    rows = {}
    for profile in ("balanced", "low_latency", "high_throughput"):
        with c.cascade(profile=profile) as node:
            node.sql.run("insert into cascade.task (handler, payload) select 'noop', jsonb_build_object('i', 1000000 + i) "
                         "from generate_series(1, %s) i", n)  # fmt: skip
            node.sql.run("vacuum analyze")
            wal_before, cpu, begun = node.sql.one(wal), c.server.cpu_seconds(), time.monotonic()
            node.start()
            seconds = node.wait_empty() - begun
            cpu, wal_bytes = c.server.cpu_seconds() - cpu, node.sql.one(wal) - wal_before
            row = {"drain_per_second": n / seconds, "database_cpu_us_per_task": 1e6 * cpu / n,
                   "wal_bytes_per_task": wal_bytes / n}  # fmt: skip
        with c.cascade(profile=profile) as node:
            node.start().wait_ready()
            time.sleep(1)
            row["idle_mb"] = node.rss_mb()
            before = node.sql.one(commits)
            load.push(c.build, node.conninfo, PROBE, probes, pause_ms=5)
            node.wait_empty()
            late = load.percentiles(_probe_latency(node))
            time.sleep(1.5)  # the statistics of an idle backend are written within a second
            row |= {"latency_p50": late["p50"], "latency_p99": late["p99"],
                    "commits_per_single_task": (node.sql.one(commits) - before) / probes}  # fmt: skip
        rows[profile] = row
    return rows


ALL = {
    "drain": drain,
    "single_inserts": single_inserts,
    "later_inserts": later_inserts,
    "bulk_inserts": bulk_inserts,
    "idle_latency": idle_latency,
    "steady": steady,
    "chain": jobs.chain,
    "fan_out": jobs.fan_out,
    "many_jobs": jobs.many_jobs,
    "memory": memory,
    "backlog": backlog,
    "idle": idle,
    "profiles": profiles,
    "pinned": pinned,
}
