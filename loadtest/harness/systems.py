"""The systems under comparison, each behind the same few verbs: prepare, start, stop."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

from .server import Sql

PEER_PACKAGES = os.path.join(os.path.dirname(__file__), "..", "peers")


class Cascade:
    """cascaded on a database of the comparison's server."""

    def __init__(self, server, build, profile="balanced", database="cascade", settings=""):
        self.server, self.build, self.database = server, build, server.fresh(database)
        self.conninfo = server.conninfo(self.database)
        self.home = tempfile.mkdtemp(prefix="cascade-compare-node.")
        self.profile, self.process = profile, None
        config = os.path.join(self.home, "cascade.yaml")
        with open(config, "w", encoding="utf-8") as out:
            out.write(f"handlers:\n  plugins: [\"{build}/lib/probe_plugin.so\"]\nlog:\n  level: warn\n{settings}")
        self.flags = ["--data-dir", self.home, "--database", self.conninfo, "--config", config, "--profile", profile]
        self.cli("migrate")
        self.sql = Sql(server, self.database)

    def cli(self, *args, check=True):
        program = os.path.join(self.build, "bin/cascade")
        return subprocess.run([program, "--database", self.conninfo, *args], check=check, capture_output=True, text=True)

    def start(self):
        """Returns when the process runs; `wait_ready` when it takes work."""
        self.process = subprocess.Popen([os.path.join(self.build, "bin/cascaded"), *self.flags])
        return self

    def wait_ready(self):
        end = time.monotonic() + 60
        while "ready" not in self._state():
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("cascaded did not become ready")
            time.sleep(0.02)
        return self

    def _state(self):
        try:
            with open(os.path.join(self.home, "service.json"), encoding="utf-8") as f:
                return json.load(f).get("state", "")
        except (OSError, ValueError):
            return ""

    def unfinished(self):
        return self.sql.one("select coalesce(sum(waiting + pending + running), 0) from cascade.queue_stats")

    def wait_empty(self, seconds=600):
        """Until nothing is unfinished, as the exact counters say; checked against the rows."""
        end = time.monotonic() + seconds
        while self.unfinished() != 0:
            if time.monotonic() > end:
                raise RuntimeError(f"{self.unfinished()} tasks left over")
            time.sleep(0.005)
        at = time.monotonic()
        left = self.sql.one("select count(*) from cascade.task where finished_on is null")
        if left != 0:
            raise RuntimeError(f"the counters say 0, but {left} tasks are unfinished")
        return at

    def rss_mb(self, which="VmRSS"):
        """VmRSS: now; VmHWM: the most there ever was."""
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as f:
            return next(int(line.split()[1]) / 1024 for line in f if line.startswith(which))

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        self.sql.close()
        shutil.rmtree(self.home, ignore_errors=True)


class Peers:
    """graphile-worker and pg-boss, installed once at the versions of peers/package.json."""

    def __init__(self, build):
        self.home = os.path.join(build, "peers")
        os.makedirs(self.home, exist_ok=True)
        for name in os.listdir(PEER_PACKAGES):
            shutil.copy(os.path.join(PEER_PACKAGES, name), self.home)
        with open(os.path.join(self.home, "package.json"), encoding="utf-8") as f:
            wanted = json.load(f)["dependencies"]
        if any(self._installed(name) != version for name, version in wanted.items()):
            subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"],
                           cwd=self.home, check=True, timeout=600)  # fmt: skip

    def _installed(self, name):
        try:
            with open(os.path.join(self.home, "node_modules", name, "package.json"), encoding="utf-8") as f:
                return json.load(f)["version"]
        except OSError:
            return None

    def run(self, script, server, database, **options):
        """Runs a peer's script to its end; its last line is JSON."""
        process = self.begin(script, server, database, **options)
        return self.finish(process)

    def begin(self, script, server, database, **options):
        options["url"] = server.url(database)
        return subprocess.Popen(["node", f"{script}.mjs", json.dumps(options)], cwd=self.home, text=True,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip

    def finish(self, process, timeout=900):
        out, _ = process.communicate(timeout=timeout)
        if process.returncode != 0:
            raise RuntimeError(f"a peer ended with {process.returncode}")
        return json.loads(out.strip().splitlines()[-1])
