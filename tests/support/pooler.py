"""pgbouncer before a cluster."""

import os
import pathlib
import shutil
import subprocess

from support.service import Service, next_number

# Debian keeps it off the PATH of a user.
PROGRAM = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"

CONFIGURATION = """
[databases]
* = host={cluster} port=5432

[pgbouncer]
listen_addr =
unix_socket_dir = {home}
listen_port = 6432
auth_type = trust
auth_file = {home}/users
admin_users = pooler
pool_mode = {mode}
default_pool_size = {pool}
max_client_conn = 100
server_login_retry = 1
"""


class Pooler(Service):
    """Hands a session of the cluster to whoever begins a transaction, or
    whatever else is a mode of its."""

    name = "pgbouncer"

    def __init__(self, folder, cluster, pool=2, mode="transaction"):
        super().__init__(folder)
        self.cluster = cluster
        self.pool = pool
        self.mode = mode
        self.home = pathlib.Path(folder) / f"pool{next_number()}"

    def start(self):
        identity = self.cluster.identity    # it refuses to run as root
        if not self.home.exists():
            self.home.mkdir(mode=0o700)
            (self.home / "pgbouncer.ini").write_text(
                CONFIGURATION.format(cluster=self.cluster.home, home=self.home,
                                     pool=self.pool, mode=self.mode))
            (self.home / "users").write_text(
                "".join(f'"{user}" ""\n' for user in
                        ("test_receiver", "test_renewer", "test_reader",
                         "postgres", "pooler")))
            for path in (self.home, *self.home.iterdir()):
                if identity:
                    os.chown(path, identity["user"], identity["group"])
        self.spawn([PROGRAM, self.home / "pgbouncer.ini"], **identity)

    def ready(self):
        return subprocess.run(
            [self.cluster.bin / "pg_isready", "-q", "-h", self.home, "-p",
             "6432", "-U", "pooler", "-d", "pgbouncer"],
            check=False).returncode == 0

    def environment(self, database, user="test_receiver"):
        """libpq's variables for a client of this pooler."""
        return {**self.cluster.environment(database, user),
                "PGHOST": str(self.home), "PGPORT": "6432"}

    def execute(self, sql, database="pgbouncer", user="pooler"):
        """Run statements through it, or commands of its own."""
        environment = {"PATH": os.environ["PATH"],
                       **self.environment(database, user)}
        done = subprocess.run(
            [self.cluster.bin / "psql", "-X", "-w", "-q", "-A", "-t", "-v",
             "ON_ERROR_STOP=1"], input=sql, env=environment, cwd="/",
            text=True, capture_output=True, check=True)
        return done.stdout
