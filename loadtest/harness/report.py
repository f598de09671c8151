"""Medians, ratios and verdicts; as JSON and as Markdown."""

import json
import os
import platform
import statistics
import subprocess

# (workload, what, numerator (row, measure), denominator (row, measure) or None, "at least" | "at most", bound)
GRAPHILE, IDLE_PEER = "graphile-worker, fastest", "graphile-worker"
NOBODY = "graphile-worker, nobody running"
TARGETS = [
    ("drain", "to graphile-worker at its fastest", ("cascade", "per_second"), (GRAPHILE, "per_second"), "at least", 3.0),
    ("drain", "to the floor", ("cascade", "per_second"), ("floor", "per_second"), "at least", 0.7),
    *(("single_inserts", f"{n} clients, to add_job", ("cascade", f"per_second_{n}"), (NOBODY, f"per_second_{n}"), "at least", 8)
      for n in (16, 64)),
    *(("single_inserts", f"{n} clients, to a bare table", ("cascade", f"per_second_{n}"), ("bare table", f"per_second_{n}"),
       "at least", 0.45) for n in (16, 64)),
    *(("later_inserts", f"{n} clients, to a bare table", ("cascade", f"per_second_{n}"), ("bare table", f"per_second_{n}"),
       "at least", 0.75) for n in (16, 64)),
    ("bulk_inserts", "to a bare table", ("cascade", "per_second"), ("bare table", "per_second"), "at least", 0.6),
    ("idle_latency", "p50 to the floor", ("cascade", "p50"), ("floor", "p50"), "at most", 1.25),
    ("idle_latency", "p50 to graphile-worker", ("cascade", "p50"), (IDLE_PEER, "p50"), "at most", 0.6),
    ("idle_latency", "p99 to graphile-worker", ("cascade", "p99"), (IDLE_PEER, "p99"), "at most", 0.6),
    ("steady", "p95, us", ("cascade", "p95"), None, "at most", 5000),
    ("chain", "40 steps, p50 ms a step", ("cascade", "p50_ms_40"), None, "at most", 2),
    ("chain", "400 steps, p50 ms a step", ("cascade", "p50_ms_400"), None, "at most", 2),
    ("fan_out", "to as many loose tasks", ("cascade", "ratio"), None, "at most", 1.3),
    ("many_jobs", "to as many loose tasks", ("cascade", "ratio"), None, "at most", 1.2),
    ("many_jobs", "counters that were wrong", ("cascade", "counters_wrong"), None, "at most", 0),
    ("pinned", "tasks a second", ("cascade", "per_second"), None, "at least", 990),
    ("pinned", "p99 of the last tenth to the first", ("cascade", "growth"), None, "at most", 2),
    ("memory", "idle, MB", ("cascade", "idle_mb"), None, "at most", 40),
    ("memory", "10,000 in flight, MB", ("cascade", "in_flight_mb"), None, "at most", 64),
    ("memory", "1,000,000 pending, MB", ("cascade", "pending_mb"), None, "at most", 200),
    ("idle", "queries a second", ("cascade", "queries_per_second"), None, "at most", 1),
    ("idle", "transaction ids", ("cascade", "transaction_ids"), None, "at most", 0),
    ("idle", "CPU, percent of a core", ("cascade", "cpu_percent"), None, "at most", 0.5),
]  # fmt: skip


def medians(runs):
    """[{row: {measure: value}}, ...] to {row: {measure: median}}."""
    out = {}
    for row in runs[0]:
        measures = {}
        for measure in runs[0][row]:
            values = [run[row][measure] for run in runs if measure in run.get(row, {})]
            measures[measure] = statistics.median(values)
        out[row] = measures
    return out


def verdicts(runs_by_workload):
    """A ratio is taken within each run, and then the median of the ratios."""
    out = []
    for workload, what, of, to, how, bound in TARGETS:
        runs = runs_by_workload.get(workload)
        if not runs:
            continue
        values = [run[of[0]][of[1]] / (run[to[0]][to[1]] if to else 1) for run in runs]
        value = statistics.median(values)
        met = value >= bound if how == "at least" else value <= bound
        out.append({"workload": workload, "what": what, "value": value, "of_runs": values, "bound": f"{how} {bound:g}",
                    "met": met})  # fmt: skip
    return out


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), "unknown")
    root = os.path.join(os.path.dirname(__file__), "..", "..")
    commit = subprocess.run(["git", "-C", root, "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return {"cpu": model, "cores": os.cpu_count(), "kernel": platform.release(), "commit": commit.stdout.strip()}


def _number(x):
    if x == 0 or abs(x) >= 1000:
        return f"{x:,.0f}"
    return f"{x:.3g}"


def markdown(report):
    m = report["machine"]
    lines = ["# Comparison", "", f"{m['cpu']}, {m['cores']} cores, kernel {m['kernel']}, Postgres {report['postgres']}, "
             f"commit {m['commit']}, profile {report['profile']}; {report['command']}; medians of {report['repeat']} runs.",
             ""]  # fmt: skip
    if report["targets"]:
        lines += ["| workload | what | measured | to reach | |", "|---|---|---|---|---|"]
        lines += [f"| {t['workload']} | {t['what']} | {_number(t['value'])} | {t['bound']} | {'yes' if t['met'] else '**no**'} |"
                  for t in report["targets"]]  # fmt: skip
    for name, workload in report["workloads"].items():
        measures = list(dict.fromkeys(k for row in workload["median"].values() for k in row))
        lines += ["", f"## {name}", "", workload["about"], "", "| | " + " | ".join(measures) + " |",
                  "|---" * (len(measures) + 1) + "|"]  # fmt: skip
        for row, values in workload["median"].items():
            lines.append(f"| {row} | " + " | ".join(_number(values[k]) if k in values else "" for k in measures) + " |")
    return "\n".join(lines) + "\n"


def write(report, directory):
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "compare.json"), "w", encoding="utf-8") as out:
        json.dump(report, out, indent=1)
    with open(os.path.join(directory, "compare.md"), "w", encoding="utf-8") as out:
        out.write(markdown(report))
