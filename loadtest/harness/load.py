"""What puts work in: pgbench for throughput, the pusher for latency, and the floor to compare with."""

import json
import os
import subprocess
import tempfile


def pgbench(server, database, sql, clients, seconds):
    """Transactions a second of one statement, prepared, with `clients` connections for `seconds`."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(sql + ";\n")
        script.flush()
        out = subprocess.run(
            [os.path.join(server.bin, "pgbench"), "-n", "-M", "prepared", "-c", str(clients), "-j", "2",
             "-T", str(seconds), "-f", script.name, "-h", server.home, "-p", str(server.port), "-U", "postgres",
             database],
            capture_output=True, text=True, check=False, timeout=seconds + 120,
        )  # fmt: skip
    for line in out.stdout.splitlines():
        if line.startswith("tps = "):
            return float(line.split()[2])
    raise RuntimeError(f"pgbench gave no rate:\n{out.stdout}{out.stderr}")


def push(build, conninfo, sql, count, pause_ms=0.0, rate=0.0):
    """One insert after the other, each with the time it was sent; `rate` a second, or with pauses."""
    subprocess.run(
        [os.path.join(build, "bin/pusher"), "--conninfo", conninfo, "--sql", sql, "--count", str(count),
         "--pause-ms", str(pause_ms), "--rate", str(rate)],
        check=True, timeout=900,
    )  # fmt: skip


def floor(build, *args):
    """The reference program; its answer is JSON."""
    out = subprocess.run([os.path.join(build, "bin/floor"), *args], check=True, capture_output=True, text=True,
                         timeout=900)  # fmt: skip
    return json.loads(out.stdout)


def percentiles(values):
    """p50, p95, p99 and the largest, same unit as given."""
    values = sorted(values)
    if not values:
        return {"n": 0}
    pick = lambda q: values[min(len(values) - 1, int(len(values) * q))]  # noqa: E731
    return {"n": len(values), "p50": pick(0.5), "p95": pick(0.95), "p99": pick(0.99), "max": values[-1]}
