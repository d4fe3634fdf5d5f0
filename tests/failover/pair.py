"""PostgreSQL on two hosts under pg_auto_failover, with a monitor on a third, by
the commands of callhook-admin(7)."""

import os
import pwd
import shlex
import subprocess

from hosts import NETWORK, Hosted
from support import manual
from support.postgres import Cluster, _bin_folder
from support.project import ROOT
from support.service import Trouble, wait_until

PORT = 5432
PAGE = ROOT / "cgi" / "callhook-admin.7"
# So that a fault is over sooner; the defaults are 4 to 6 times as long.
QUICK = {"health_check_period": 1000, "health_check_timeout": 1000,
         "health_check_max_retries": 2, "health_check_retry_delay": 500,
         "node_considered_unhealthy_timeout": 5000,
         "primary_demote_timeout": 10000, "startup_grace_period": 2000}


class Keeper(Hosted):
    """pg_autoctl and the server that it runs.

    block: of the manual, how it is made and run; names: of the manual, and
    what they are here."""

    def __init__(self, folder, host, block, names):
        self.name = f"pg_autoctl-{host.name}"
        super().__init__(folder)
        self.host = host
        self.bin = _bin_folder()
        self.home = self.folder / f"keeper-{host.name}"
        self.data = self.home / "data"
        self.home.mkdir(mode=0o755)
        postgres = pwd.getpwnam("postgres")
        os.chown(self.home, postgres.pw_uid, postgres.pw_gid)
        for name, here in names.items():
            block = block.replace(name, str(here))
        self.making, self.running = (
            shlex.split(line) for line in block.splitlines())

    def environment(self):
        return {"PATH": f"{self.bin}:{os.environ['PATH']}",
                "HOME": str(self.home), "XDG_RUNTIME_DIR": str(self.home),
                "LC_ALL": "C.UTF-8", "PG_CONFIG": str(self.bin / "pg_config")}

    @staticmethod
    def as_postgres(*command):
        """With a folder for its socket that no other host sees."""
        return ["sh", "-c", "mount -t tmpfs -o mode=1777 socket "
                "/run/postgresql && exec \"$@\"", "sh", "setpriv",
                "--reuid=postgres", "--regid=postgres", "--clear-groups",
                "--pdeathsig=TERM", *command]

    def create(self):
        done = subprocess.run(
            self.host.command(*self.as_postgres(*self.making)),
            env=self.environment(), cwd="/", text=True, capture_output=True)
        if done.returncode != 0:
            raise Trouble(f"{self.name}: {done.stderr[-2000:]}")

    def show_unit(self):
        """As the manual says: a unit that runs it."""
        done = subprocess.run(
            self.host.command(*self.as_postgres(
                "pg_autoctl", "show", "systemd", "--pgdata", self.data)),
            env=self.environment(), cwd="/", text=True, capture_output=True)
        if "ExecStart = " not in done.stdout:
            raise Trouble(f"{self.name}: {done.stdout}{done.stderr}")

    def start(self):
        pid_file = self.data / "postmaster.pid"
        pid_file.unlink(missing_ok=True)    # of before its host was killed
        self.spawn(self.as_postgres(*self.running), env=self.environment())

    def stop(self):
        """Its disk is thrown away: nobody waits for it."""
        self.host.kill()
        return super().stop()

    def ready(self):
        return subprocess.run(
            self.host.command(self.bin / "pg_isready", "-q", "-h",
                              self.host.address),
            check=False).returncode == 0


class Pair(Cluster):
    """Both servers as one: statements go to the one that can be written."""

    def __init__(self, folder, monitor, hosts, client):
        super().__init__(folder)
        self.client = client
        self.monitor = Keeper(
            folder, monitor, manual.block(PAGE, "run monitor"),
            {"monitor.example.com": monitor.address,
             "/var/lib/postgresql/monitor":
             self.folder / f"keeper-{monitor.name}" / "data"})
        self.nodes = [Keeper(
            folder, host, manual.block(PAGE, "run node"),
            {"monitor.example.com": monitor.address,
             "db1.example.com": host.address, "db1": host.name,
             "/var/lib/postgresql/callhook":
             self.folder / f"keeper-{host.name}" / "data"})
            for host in hosts]

    def start(self):
        self.monitor.create()
        self._trust(self.monitor)
        self.monitor.start()
        self.ask_monitor("; ".join(
            f"ALTER SYSTEM SET pgautofailover.{name} = {value}"
            for name, value in QUICK.items()) + "; SELECT pg_reload_conf()")
        for node in self.nodes:
            node.create()
            self._trust(node)
            node.start()
            node.show_unit()
        self.wait_until_healthy()

    @staticmethod
    def _trust(keeper):
        with open(keeper.data / "pg_hba.conf", "a") as rules:
            rules.write(f"host all all {NETWORK}0/24 trust\n")

    def stop(self):
        for keeper in (*self.nodes, self.monitor):
            keeper.stop()

    # --- As a cluster -------------------------------------------------------

    def environment(self, database, user="test_receiver"):
        return {"PGHOST": ",".join(node.host.address for node in self.nodes),
                "PGDATABASE": database, "PGUSER": user,
                "PGCONNECT_TIMEOUT": "2"}

    def psql(self, *arguments, database="postgres", user="postgres",
             given=None, host=None, seconds=60, prefer="read-write"):
        environment = {"PATH": os.environ["PATH"],
                       **self.environment(database, user),
                       "PGTARGETSESSIONATTRS": prefer}
        if host:
            environment.update(PGHOST=host.address,
                               PGTARGETSESSIONATTRS="any")
        return subprocess.run(
            self.client.command("timeout", seconds, self.bin / "psql", "-X",
                                "-w", *arguments),
            input=given, env=environment, cwd="/", text=True,
            capture_output=True)

    def ask_monitor(self, sql):
        done = self.psql("-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
                         given=sql, database="pg_auto_failover",
                         host=self.monitor.host)
        if done.returncode != 0:
            raise Trouble(done.stderr)
        return done.stdout.strip()

    # --- What the monitor says ----------------------------------------------

    def states(self):
        """{name: state} of the two nodes, where both agree with the goal."""
        text = self.ask_monitor(
            "SELECT nodename || ' ' || reportedstate || ' ' || goalstate "
            "|| ' ' || health FROM pgautofailover.node")
        return {line.split()[0]: tuple(line.split()[1:])
                for line in text.splitlines()}

    def is_healthy(self):
        states = self.states().values()
        return sorted(states) == [("primary", "primary", "1"),
                                  ("secondary", "secondary", "1")]

    def wait_until_healthy(self, seconds=120):
        wait_until(self.is_healthy, "a primary and its standby", seconds)

    def primary(self):
        return next(node for node in self.nodes if self.states()
                    [node.host.name][0] in ("primary", "wait_primary"))

    def standby(self):
        primary = self.primary()
        return next(node for node in self.nodes if node is not primary)

    def switch_over(self):
        self.ask_monitor("SELECT pgautofailover.perform_failover()")
