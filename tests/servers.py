"""Private servers for the tests, the demo and `make run`.

A PostgreSQL cluster, an nginx and receivers, each in a temporary folder of
its own and with nothing shared, so that any number of them live side by side.
Each is a context manager: entered when it is ready, left when it has ended.
"""

import contextlib
import dataclasses
import glob
import hashlib
import http.client
import itertools
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "cgi" / "callhook"
INSTALL_SQL = ROOT / "sql" / "install.sql"
UNINSTALL_SQL = ROOT / "sql" / "uninstall.sql"
NGINX_CONF = ROOT / "nginx" / "callhook.conf"
DATA = ROOT / "tests" / "data"

NIL = "00000000-0000-0000-0000-000000000000"
JSON_TYPE = {"Content-Type": "application/json"}

# Everything that runs now, for the logs that a failed test shows.
running = []

_numbers = itertools.count(1)


class Trouble(Exception):
    """A server that did not start or stop, or a statement that failed."""


def wait_until(condition, what, seconds=20):
    """Poll until condition() is true and return it; Trouble if it never is."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Trouble(f"{what}: not within {seconds} s")
        time.sleep(0.01)


@contextlib.contextmanager
def temporary_folder():
    """A folder that the database's user may pass through, gone afterwards."""
    # Not the usual TMPDIR of a test: a socket's path has 107 bytes at most.
    path = pathlib.Path(tempfile.mkdtemp(prefix="callhook-"))
    path.chmod(0o711)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


class Service:
    """A server process: started, waited for, its log kept in a file."""

    name = "service"
    stop_signal = signal.SIGTERM

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.log_path = self.folder / f"{self.name}-{next(_numbers)}.log"
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def log(self):
        if not self.log_path.exists():
            return ""
        return self.log_path.read_text(errors="replace")

    def alive(self):
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self):
        return self.process.pid

    def ready(self):
        raise NotImplementedError

    def spawn(self, command, **options):
        """Start the process and wait until it is ready."""
        # Should the tests be killed, their servers end as well.
        command = ["setpriv", "--pdeathsig", self.stop_signal.name[3:],
                   *map(str, command)]
        # A session of its own: Ctrl-C is for us, and we end them in order.
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd="/",
                start_new_session=True, **options)
        running.append(self)
        try:
            wait_until(lambda: self.ready() or not self.alive(),
                       f"{self.name} ready")
            if not self.alive():
                raise Trouble(f"{self.name} ended with status "
                              f"{self.process.returncode}:\n{self.log()}")
        except BaseException:
            self.end(signal.SIGKILL)
            raise

    def end(self, number, seconds=20):
        """Send a signal, wait for the end, return the exit status."""
        if self.process is None:
            return None
        with contextlib.suppress(ValueError):
            running.remove(self)
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Trouble(f"{self.name} did not end on signal {number}:\n"
                          f"{self.log()}") from None

    def stop(self):
        return self.end(self.stop_signal)

    def kill(self):
        return self.end(signal.SIGKILL)


# --- PostgreSQL -------------------------------------------------------------

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


def _children(pid):
    path = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
    return path.read_text().split()


def _exists(pid):
    return os.path.exists(f"/proc/{pid}")


def literal(value):
    """A value as an SQL literal."""
    if value is None:
        return "NULL"
    return "'" + str(value).replace("'", "''") + "'"


class Cluster(Service):
    """A PostgreSQL of its own, reached over a Unix socket only."""

    name = "postgresql"
    stop_signal = signal.SIGINT         # "fast": do not wait for clients

    TEMPLATE = "callhook_template"
    SETTINGS = {
        "listen_addresses": "''",
        "unix_socket_permissions": "0700",
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
        self.home = self.folder / f"pg{next(_numbers)}"
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
        children = _children(self.pid)
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
        for part in ("receiver", "renewer", "reader"):
            self.execute(f"CREATE ROLE test_{part} LOGIN "
                         f"IN ROLE callhook_{part}")

    def create_database(self, name=None):
        """A database with the schema installed, copied from the first."""
        if not self.query("SELECT FROM pg_database "
                          f"WHERE datname = '{self.TEMPLATE}'"):
            self._make_template()
        name = name or f"db{next(_numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {self.TEMPLATE}")
        return Database(self, name)

    def drop_database(self, name):
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")


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


ABSENT = object()


@dataclasses.dataclass(frozen=True)
class Subscription:
    """A subscription and its secret, as Graph would use it."""

    subscription_id: str
    tenant_id: str
    secret: str

    def item(self, **changes):
        """A change notification of a new call; ABSENT leaves a member out."""
        call_id = str(uuid.uuid4())
        resource = f"communications/callRecords/{call_id}"
        members = {
            "subscriptionId": self.subscription_id,
            "clientState": self.secret,
            "changeType": "updated",
            "resource": resource,
            "subscriptionExpirationDateTime": "2030-02-28T00:00:00.000+00:00",
            "resourceData": {
                "@odata.type": "#Microsoft.Graph.callRecord",
                "@odata.id": resource,
                "id": call_id,
            },
            "tenantId": self.tenant_id,
        }
        members.update(changes)
        return {name: value for name, value in members.items()
                if value is not ABSENT}


def collection(*items):
    """A notification body; an item given as text goes in as it is."""
    parts = [part if isinstance(part, str) else json.dumps(part)
             for part in items]
    return ('{"value":[' + ",".join(parts) + "]}").encode()


class Database:
    """One database of a cluster."""

    def __init__(self, cluster, name):
        self.cluster = cluster
        self.name = name

    def query(self, sql, user="postgres"):
        return self.cluster.query(sql, self.name, user)

    def execute(self, sql, user="postgres"):
        return self.cluster.execute(sql, self.name, user)

    def alter(self, sql):
        """Changes a table that is being written to. It locks the table, then
        its partitions, an insert the other way round: the one of the two that
        PostgreSQL ends for it (40P01) tries again, and that may be us."""
        for _ in range(20):
            try:
                return self.execute(sql)
            except Trouble as trouble:
                if "40P01" not in str(trouble):
                    raise
        raise Trouble(f"deadlocked again and again: {sql}")

    def session(self, user="postgres"):
        return self.cluster.session(self.name, user)

    def environment(self, user="test_receiver"):
        return self.cluster.environment(self.name, user)

    def dump(self):
        """All data of the database as text."""
        done = subprocess.run(
            [self.cluster.bin / "pg_dump", "-h", self.cluster.home, "-U",
             "postgres", "--data-only", self.name],
            cwd="/", text=True, capture_output=True, check=True)
        return done.stdout

    def subscribe(self, *, tenant_id=None, subscription_id=None, secret=None,
                  known_tenant=None, announced=False, ended=None):
        """Enter a subscription as the renewer does; only a digest goes in.

        known_tenant: the tenant in the table, if not tenant_id.
        announced: without its id. ended: an interval that lies back."""
        made = Subscription(subscription_id or str(uuid.uuid4()),
                            tenant_id or str(uuid.uuid4()),
                            secret or f"secret-{uuid.uuid4()}")
        digest = hashlib.sha256(made.secret.encode()).hexdigest()
        ended_at = f"now() - interval '{ended}'" if ended else "NULL"
        stored_id = None if announced else made.subscription_id
        self.execute(f"""
            INSERT INTO callhook_store.subscriptions (tenant, tenant_id,
                subscription_id, resource, change_type, notification_url,
                secret_sha256, expires_at, ended_at)
            VALUES ('contoso', {literal(known_tenant or made.tenant_id)},
                {literal(stored_id)}, 'communications/callRecords', 'updated',
                'https://calls.example.com/callhook', '\\x{digest}',
                now() + interval '1 day', {ended_at})""", "test_renewer")
        return made

    def rows(self, subscription=None):
        """What a reader finds, in the order of arrival."""
        condition = "true"
        if subscription is not None:
            condition = ("subscription_id = "
                         + literal(subscription.subscription_id))
        return self.query("SELECT * FROM callhook.notifications "
                          f"WHERE {condition} ORDER BY notification_id",
                          "test_reader")

    def count(self):
        """How many rows the table has, whatever the view shows."""
        return self.query("SELECT count(*) AS n "
                          "FROM callhook_store.notifications")[0]["n"]


# --- The receiver -----------------------------------------------------------

def minimal_environment(*parts):
    """PATH, what the sanitizers look for, and the given variables."""
    kept = ("PATH", "ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS",
            "TSAN_OPTIONS")
    environment = {name: os.environ[name] for name in kept
                   if name in os.environ}
    for part in parts:
        environment.update(part)
    return {name: str(value) for name, value in environment.items()
            if value is not None}


SANITIZERS = re.compile(r"(Address|Thread|Leak|UndefinedBehavior)Sanitizer"
                        r"|runtime error:")


class Receiver(Service):
    """callhook as a FastCGI process on a listening Unix socket.

    settings: CALLHOOK_... and PG... variables. beside: another receiver whose
    socket this one shares."""

    name = "receiver"

    def __init__(self, folder, *settings, beside=None):
        super().__init__(folder)
        self.settings = settings
        self.owns_listener = beside is None
        if beside:
            self.path, self.listener = beside.path, beside.listener
        else:
            self.path = self.folder / f"callhook{next(_numbers)}.sock"
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(str(self.path))
            self.listener.listen(511)

    def start(self):
        if not os.access(PROGRAM, os.X_OK):
            raise Trouble(f"{PROGRAM} is missing: run make first")
        self.spawn([PROGRAM], stdin=self.listener,
                   env=minimal_environment({"CALLHOOK_SPOOL": ""},
                                           *self.settings))

    def ready(self):
        return "ready" in self.log()

    def terminate(self, number=signal.SIGTERM):
        """Ask it to end, and do not wait."""
        self.process.send_signal(number)

    def wait(self, seconds=20):
        """Wait for its end; return the exit status."""
        return self.process.wait(seconds)

    def kill(self):
        super().kill()
        self.process = None             # its status says nothing

    def __exit__(self, failure, *_):
        status = self.end(signal.SIGTERM) or 0
        if self.owns_listener:
            self.listener.close()
        found = SANITIZERS.search(self.log())
        if failure is None and (status != 0 or found):
            raise Trouble(f"the receiver ended with status {status}:\n"
                          f"{self.log()}")

    def connect(self):
        return FastCGI(self.path)

    def request(self, method="POST", query="", body=b"", **variables):
        """One FastCGI request, all of it, and the answer."""
        with self.connect() as peer:
            peer.begin()
            peer.params(cgi_variables(method, query, body, **variables))
            peer.stdin(body)
            return peer.answer()

    def send(self, *items, **variables):
        """The items as one notification, and the answer."""
        return self.request(body=collection(*items), **variables)


@dataclasses.dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    @property
    def text(self):
        return self.body.decode()


def parse_cgi(output):
    """The answer of a CGI program: header lines, an empty line, the body."""
    head, separator, body = output.partition(b"\r\n\r\n")
    if not separator:
        head, separator, body = output.partition(b"\n\n")
    if not separator:
        raise Trouble(f"no header in the answer: {output[:200]!r}")
    headers = {}
    for line in head.decode("latin-1").splitlines():
        name, _, value = line.partition(":")
        name = name.strip().lower()
        if name in headers:
            raise Trouble(f"the header {name} is there twice: {head!r}")
        headers[name] = value.strip()
    status = int(headers.pop("status", "200").split()[0])
    return Answer(status, headers, body)


def cgi_variables(method, query="", body=b"", path="/callhook", **changes):
    """What a web server hands to the program; a change to None omits one."""
    target = path + ("?" + query if query else "")
    variables = {
        "GATEWAY_INTERFACE": "CGI/1.1",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REQUEST_METHOD": method,
        "QUERY_STRING": query,
        "REQUEST_URI": target,
        "SCRIPT_NAME": path,
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "REMOTE_ADDR": "192.0.2.1",
    }
    variables.update(changes)
    return {name: value for name, value in variables.items()
            if value is not None}


def run_program(*arguments, settings=(), given=b"", seconds=30):
    """Run callhook to its end with standard input and settings."""
    return subprocess.run([PROGRAM, *arguments], input=given,
                          env=minimal_environment({"CALLHOOK_SPOOL": ""},
                                                  *settings),
                          cwd="/", capture_output=True, timeout=seconds)


def run_cgi(*settings, method="POST", query="", body=b"", given=None,
            **variables):
    """One request to callhook as a plain CGI program.

    given: what standard input really holds, if not the body."""
    done = run_program(settings=[*settings, cgi_variables(method, query, body,
                                                          **variables)],
                       given=body if given is None else given)
    if done.returncode != 0 or SANITIZERS.search(done.stderr.decode()):
        raise Trouble(f"status {done.returncode}: {done.stderr.decode()}")
    return parse_cgi(done.stdout)


class FastCGI:
    """A bare FastCGI peer, for what no web server would let through."""

    BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR = range(1, 8)
    KEEP = 1

    def __init__(self, path, seconds=30):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(seconds)
        self.socket.connect(str(path))
        self.pending = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def raw(self, data):
        self.socket.sendall(data)

    def record(self, kind, content=b"", request=1):
        self.raw(struct.pack("!BBHHBx", 1, kind, request, len(content), 0)
                 + content)

    def begin(self, flags=0, role=1, request=1):
        self.record(self.BEGIN, struct.pack("!HB5x", role, flags), request)

    def stream(self, kind, data, end=True, request=1):
        for start in range(0, len(data), 65535):
            self.record(kind, data[start:start + 65535], request)
        if end:
            self.record(kind, b"", request)

    def params(self, variables, end=True):
        self.stream(self.PARAMS, b"".join(
            self.pair(name, value) for name, value in variables.items()), end)

    def stdin(self, data, end=True):
        self.stream(self.STDIN, data, end)

    def abort(self):
        self.record(self.ABORT)

    @staticmethod
    def pair(name, value):
        def length(text):
            if len(text) < 128:
                return bytes([len(text)])
            return struct.pack("!I", len(text) | 0x80000000)

        name = name.encode()
        value = value if isinstance(value, bytes) else str(value).encode()
        return length(name) + length(value) + name + value

    def _read(self, size):
        while len(self.pending) < size:
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("closed before the end of the answer")
            self.pending += data
        data, self.pending = self.pending[:size], self.pending[size:]
        return data

    def answer(self):
        """Read to the end of the request; ConnectionError if it is cut."""
        output = b""
        while True:
            head = self._read(8)
            _, kind, _, length, padding = struct.unpack("!BBHHBx", head)
            content = self._read(length + padding)[:length]
            if kind == self.STDOUT:
                output += content
            elif kind == self.END:
                return parse_cgi(output)


# --- nginx ------------------------------------------------------------------

class Nginx(Service):
    """An nginx with the project's own configuration, on loopback."""

    name = "nginx"
    stop_signal = signal.SIGTERM
    SOCKET = "/run/callhook/callhook.sock"

    def __init__(self, folder, socket_path, port=None):
        super().__init__(folder)
        self.home = self.folder / f"nginx{next(_numbers)}"
        self.socket_path = socket_path
        self.reservation = None
        self.port = port

    def start(self):
        self.home.mkdir()
        listen = self._listen()
        given = NGINX_CONF.read_text()
        if self.SOCKET not in given:
            raise Trouble(f"{NGINX_CONF} does not name {self.SOCKET}")
        (self.home / "callhook.conf").write_text(
            given.replace(self.SOCKET, str(self.socket_path)))
        (self.home / "nginx.conf").write_text(self._configuration(listen))
        self.spawn([self._program(), "-p", self.home, "-e", "stderr", "-c",
                    self.home / "nginx.conf"])

    @staticmethod
    def _program():
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        if not os.access(program, os.X_OK):
            raise Trouble("no nginx found (Debian: nginx-light)")
        return program

    def _listen(self):
        if self.port:
            return f"127.0.0.1:{self.port}"
        # The port stays reserved by a bound socket that does not listen, so
        # no other test can take it between our choice and nginx's bind.
        self.reservation = socket.socket()
        self.reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self.reservation.bind(("127.0.0.1", 0))
        self.port = self.reservation.getsockname()[1]
        return f"127.0.0.1:{self.port} reuseport"

    def _configuration(self, listen):
        user = "user root;" if os.geteuid() == 0 else ""
        folders = "".join(
            f"    {kind}_temp_path {self.home}/{kind};\n" for kind in
            ("client_body", "fastcgi", "proxy", "scgi", "uwsgi"))
        return (f"{user}\ndaemon off;\nworker_processes 1;\n"
                f"pid {self.home}/nginx.pid;\nerror_log stderr;\n"
                "events { worker_connections 1024; }\n"
                f"http {{\n    access_log off;\n{folders}"
                f"    server {{\n        listen {listen};\n"
                f"        include {self.home}/callhook.conf;\n    }}\n}}\n")

    def ready(self):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return self.alive()
        return False

    def stop(self):
        try:
            return super().stop()
        finally:
            if self.reservation:
                self.reservation.close()
                self.reservation = None

    def connection(self, seconds=30):
        return http.client.HTTPConnection("127.0.0.1", self.port,
                                          timeout=seconds)

    def request(self, method, target="/callhook", body=None, headers=()):
        """One HTTP request and its answer."""
        connection = self.connection()
        try:
            connection.request(method, target, body, dict(headers))
            return read_answer(connection)
        finally:
            connection.close()


def read_answer(connection):
    """The answer on an http.client connection."""
    got = connection.getresponse()
    headers = {name.lower(): value for name, value in got.getheaders()}
    return Answer(got.status, headers, got.read())


# --- All of it --------------------------------------------------------------

class Site:
    """nginx, a receiver and a database: the whole way of a notification."""

    def __init__(self, folder, database, *settings, port=None):
        self.database = database
        self.receiver = Receiver(folder, database.environment(), *settings)
        self.nginx = Nginx(folder, self.receiver.path, port)
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.receiver)
            stack.enter_context(self.nginx)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *failure):
        return self._stack.__exit__(*failure)

    def post(self, body, target="/callhook", **headers):
        return self.nginx.request("POST", target, body,
                                  {**JSON_TYPE, **headers})

    def send(self, *items):
        """The items as one notification, and the answer."""
        return self.post(collection(*items))

    def subscribe(self, **details):
        return self.database.subscribe(**details)

    def rows(self, subscription=None):
        return self.database.rows(subscription)


def end_on_signals():
    """Let SIGTERM and SIGHUP end a script as Ctrl-C does: cleaned up."""
    def leave(number, _):
        sys.exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
