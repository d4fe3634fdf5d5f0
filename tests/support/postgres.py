"""A private PostgreSQL: a cluster of a test's own."""

import glob
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess

from support.database import Database
from support.project import INSTALL_SQL
from support.service import Service, Trouble, next_number, wait_until


def _bin_folder():
    """The newest PostgreSQL server here (Debian keeps it off the PATH)."""
    def version(path):
        return int(re.search(r"/(\d+)/bin$", path).group(1))

    folders = sorted(glob.glob("/usr/lib/postgresql/[0-9]*/bin"), key=version)
    if shutil.which("pg_config"):
        asked = subprocess.run(["pg_config", "--bindir"], text=True,
                               capture_output=True, check=True)
        folders.insert(0, asked.stdout.strip())
    for folder in reversed(folders):
        if os.access(os.path.join(folder, "initdb"), os.X_OK):
            return pathlib.Path(folder)
    raise Trouble("no PostgreSQL server found (Debian: postgresql)")


def children_of(pid):
    path = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
    return path.read_text().split()


def _exists(pid):
    return os.path.exists(f"/proc/{pid}")


class Cluster(Service):
    """A PostgreSQL of its own, reached over a Unix socket only."""

    name = "postgresql"
    stop_signal = signal.SIGINT         # "fast": do not wait for clients

    TEMPLATE = "callhook_template"
    SETTINGS = {
        "listen_addresses": "''",
        "unix_socket_permissions": "0700",
        "fsync": "off",                 # no machine loses its power here
        "shared_buffers": "32MB",
        "max_connections": "60",
        "timezone": "'UTC'",
        "log_timezone": "'UTC'",
        "lc_messages": "'C'",
        "log_checkpoints": "off",
    }

    def __init__(self, folder):
        super().__init__(folder)
        self.bin = _bin_folder()
        self.home = self.folder / f"pg{next_number()}"
        self.data = self.home / "data"
        self.identity = {}
        if os.geteuid() == 0:           # PostgreSQL refuses to run as root
            postgres = pwd.getpwnam("postgres")
            self.identity = {"user": postgres.pw_uid,
                             "group": postgres.pw_gid, "extra_groups": []}

    def start(self):
        if not self.data.exists():
            self._initialise()
        self.spawn([self.bin / "postgres", "-D", self.data], **self.identity)

    def _initialise(self):
        self.home.mkdir(mode=0o700)
        if self.identity:
            os.chown(self.home, self.identity["user"], self.identity["group"])
        done = subprocess.run(
            [self.bin / "initdb", "-D", self.data, "-U", "postgres", "-A",
             "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
             "--no-instructions"],
            cwd="/", text=True, capture_output=True, **self.identity)
        if done.returncode != 0:
            raise Trouble(f"initdb: {done.stderr}")
        with open(self.data / "postgresql.conf", "a") as conf:
            conf.write(f"unix_socket_directories = '{self.home}'\n")
            for key, value in self.SETTINGS.items():
                conf.write(f"{key} = {value}\n")

    def ready(self):
        asked = subprocess.run(
            [self.bin / "pg_isready", "-q", "-h", self.home, "-U", "postgres",
             "-d", "postgres"])
        return asked.returncode == 0

    def kill(self):
        """kill -9; the server's children notice by themselves."""
        children = children_of(self.pid)
        super().kill()
        wait_until(lambda: not any(map(_exists, children)),
                   "the end of the server's children")

    def environment(self, database, user="test_receiver"):
        """libpq's variables for a client of this cluster."""
        return {"PGHOST": str(self.home), "PGDATABASE": database,
                "PGUSER": user}

    def psql(self, *arguments, database="postgres", user="postgres",
             given=None):
        """Run psql to its end; the caller looks at the status."""
        environment = {"PATH": os.environ["PATH"],
                       **self.environment(database, user)}
        return subprocess.run(
            [self.bin / "psql", "-X", "-w", *map(str, arguments)],
            input=given, env=environment, cwd="/", text=True,
            capture_output=True)

    def execute(self, sql, database="postgres", user="postgres"):
        """Run statements; Trouble with SQLSTATE and text if one fails."""
        done = self.psql("-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-v",
                         "VERBOSITY=verbose", database=database, user=user,
                         given=sql)
        if done.returncode != 0:
            raise Trouble(done.stderr.strip())
        return done.stdout

    def query(self, sql, database="postgres", user="postgres"):
        """The rows of one SELECT as a list of dicts."""
        text = self.execute("SELECT coalesce(json_agg(q), '[]') FROM "
                            f"({sql}) AS q", database, user)
        return json.loads(text)

    def session(self, database, user="postgres"):
        return Session(self, database, user)

    def install(self, database, user="postgres"):
        done = self.psql("-q", "-f", INSTALL_SQL, database=database, user=user)
        if done.returncode != 0:
            raise Trouble(f"install.sql: {done.stderr}")
        return done.stderr

    def _make_template(self):
        self.execute(f"CREATE DATABASE {self.TEMPLATE}")
        self.install(self.TEMPLATE)
        for part in ("receiver", "renewer", "reader", "consumer"):
            self.execute(f"CREATE ROLE test_{part} LOGIN "
                         f"IN ROLE callhook_{part}")

    def create_database(self, name=None):
        """A database with the schema installed, copied from the first."""
        if not self.query("SELECT FROM pg_database "
                          f"WHERE datname = '{self.TEMPLATE}'"):
            self._make_template()
        name = name or f"db{next_number()}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {self.TEMPLATE}")
        return Database(self, name)

    def drop_database(self, name):
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")


class Careless(Cluster):
    """What is committed without waiting for the disk is lost by a kill."""

    SETTINGS = {**Cluster.SETTINGS, "synchronous_commit": "off",
                "wal_writer_delay": "10s", "wal_writer_flush_after": "1GB"}


class Session:
    """A psql that stays, for what must be held: a lock, a transaction."""

    END = "-- end of the answer --"

    def __init__(self, cluster, database, user):
        environment = {"PATH": os.environ["PATH"],
                       **cluster.environment(database, user)}
        self.process = subprocess.Popen(
            [cluster.bin / "psql", "-X", "-w", "-q", "-A", "-t"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=environment, cwd="/", text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()

    def run(self, sql):
        """Run statements and return what psql printed."""
        self.process.stdin.write(f"{sql};\n\\echo {self.END}\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line.strip() == self.END:
                break
            lines.append(line)
        text = "".join(lines)
        if "ERROR:" in text:
            raise Trouble(text)
        return text
