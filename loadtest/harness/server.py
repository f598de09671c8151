"""A Postgres server for one comparison: durable (fsync on), on a unix socket only, gone at the end."""

import glob
import os
import pwd
import shutil
import subprocess
import tempfile

import psycopg2

SETTINGS = """
listen_addresses = ''
max_connections = 200
shared_buffers = 1GB
max_wal_size = 8GB
checkpoint_timeout = 30min
jit = off
timezone = 'UTC'
log_min_messages = fatal
"""


def _bin_dir():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda p: int(p.split("/")[4]))
    if not found:
        raise SystemExit("loadtest/compare: no Postgres in /usr/lib/postgresql; run script/bootstrap")
    return found[-1]


class Server:
    """Use as a context. Every database of the comparison lives here, one system at a time."""

    port = 54330

    def __init__(self):
        self.bin = _bin_dir()
        self.home = tempfile.mkdtemp(prefix="cascade-compare.")
        self.data = os.path.join(self.home, "data")

    def __enter__(self):
        os.chmod(self.home, 0o755)
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.home, user.pw_uid, user.pw_gid)
        self._run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        conf = os.path.join(self.data, "postgresql.conf")
        with open(conf, "a", encoding="utf-8") as out:
            out.write(SETTINGS + f"unix_socket_directories = '{self.home}'\nport = {self.port}\n")
        self._run("pg_ctl", "-D", self.data, "-l", os.path.join(self.home, "log"), "-w", "-t", "60", "start")
        return self

    def cpu_seconds(self):
        """Of all its processes, those that have ended included."""
        with open(os.path.join(self.data, "postmaster.pid"), encoding="utf-8") as f:
            main = int(f.readline())
        total = 0
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
                    fields = f.read().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(pid) == main:
                total += sum(map(int, fields[11:15]))
            elif int(fields[1]) == main:
                total += int(fields[11]) + int(fields[12])
        return total / os.sysconf("SC_CLK_TCK")

    def __exit__(self, *_):
        self._run("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "-t", "60", "stop", check=False)
        shutil.rmtree(self.home, ignore_errors=True)

    def _run(self, program, *args, check=True):
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.geteuid() == 0 else []
        # pg_ctl leaves its descriptors to the server: files, not pipes, or we would wait for ever.
        with open(os.path.join(self.home, "setup.log"), "ab") as log:
            done = subprocess.run(
                as_user + [os.path.join(self.bin, program), *args], cwd="/", stdout=log, stderr=log, check=False
            )
        if check and done.returncode != 0:
            with open(os.path.join(self.home, "setup.log"), encoding="utf-8") as log:
                raise SystemExit(f"loadtest/compare: {program} failed:\n{log.read()}")

    def conninfo(self, database):
        return f"host={self.home} port={self.port} user=postgres dbname={database}"

    def url(self, database):
        return f"postgres://postgres@/{database}?host={self.home}&port={self.port}"

    def connect(self, database):
        connection = psycopg2.connect(self.conninfo(database))
        connection.autocommit = True
        return connection

    def fresh(self, database):
        """An empty database of this name; whatever is connected to the old one is thrown out."""
        admin = Sql(self, "postgres")
        admin.run(f'drop database if exists "{database}" with (force)')
        admin.run(f'create database "{database}"')
        admin.close()
        return database


class Sql:
    """A connection that answers single questions."""

    def __init__(self, server, database):
        self._connection = server.connect(database)

    def run(self, text, *args):
        with self._connection.cursor() as cursor:
            cursor.execute(text, args or None)
            return cursor.fetchall() if cursor.description else []

    def one(self, text, *args):
        return self.run(text, *args)[0][0]

    def close(self):
        self._connection.close()
