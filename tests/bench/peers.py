"""Who is measured: callhook behind each web server, the peers, the ceilings.

Each is a context manager around everything that it needs but the database;
inside of it a Target says where to send to and whom to measure."""

import contextlib
import dataclasses
import glob
import os
import shutil
import signal
import typing

import measure
from load import BUILD, HERE, RECEIVER
from support.apache import Apache
from support.nginx import Nginx
from support.receiver import Receiver
from support.service import Service, Trouble, minimal_environment

PARAMS = "/etc/nginx/fastcgi_params"
# Connections with the database: as many as help here, and what one gets who
# sets nothing (node-pg's pool, Debian's www.conf of PHP-FPM).
PHP_WORKERS = 32
PHP_WORKERS_DEFAULT = 5
NODE_POOL = 32
NODE_POOL_DEFAULT = 10
GO_POOL = 32
GO_GROUPS = 2


@dataclasses.dataclass
class Target:
    port: int
    path: str
    pids: typing.Callable       # of the program that is measured


class ReleaseReceiver(Receiver):
    program = RECEIVER


class Program(Receiver):
    """A FastCGI program of ours, started as the receiver is."""

    def __init__(self, folder, program, *settings):
        super().__init__(folder, *settings)
        self.program = program

    def start(self):
        self.spawn([self.program], stdin=self.listener,
                   env=minimal_environment(*self.settings))

    def __exit__(self, *_):
        self.end(signal.SIGKILL)        # libfcgi makes it deaf to others
        self.listener.close()


class Php(Service):
    """PHP-FPM with a fixed number of workers."""

    name = "php-fpm"

    def __init__(self, folder, variables, workers):
        super().__init__(folder)
        self.path = self.folder / "php.sock"
        self.script = self.folder / "callhook.php"
        self.variables = variables
        self.workers = workers

    def start(self):
        shutil.copy(HERE / "peers" / "php" / "callhook.php", self.script)
        self.path.unlink(missing_ok=True)
        lines = ["[global]", "error_log = /proc/self/fd/2", "daemonize = no",
                 "[www]", f"listen = {self.path}", "listen.backlog = 511",
                 "pm = static", f"pm.max_children = {self.workers}"]
        if os.geteuid() == 0:
            lines += ["user = root", "group = root"]
        lines += [f"env[{name}] = {value}"
                  for name, value in self.variables.items()]
        configuration = self.folder / "php-fpm.conf"
        configuration.write_text("\n".join(lines) + "\n")
        self.spawn([self._program(), "-R", "-y", configuration, "-d",
                    "opcache.validate_timestamps=0"],
                   env=minimal_environment())

    @staticmethod
    def _program():
        found = sorted(glob.glob("/usr/sbin/php-fpm[0-9]*"))
        if not found:
            raise Trouble("no PHP-FPM found (Debian: php-fpm)")
        return found[-1]

    def ready(self):
        return "ready to handle connections" in self.log()


class HttpServer(Service):
    """A server that speaks HTTP on a Unix socket."""

    def __init__(self, folder, name, command, *variables):
        super().__init__(folder)
        self.name = name
        self.path = self.folder / f"{name}.sock"
        self.command = command
        self.variables = variables

    def start(self):
        self.path.unlink(missing_ok=True)
        self.spawn(self.command, env=minimal_environment(
            {"SOCKET": self.path}, *self.variables))

    def ready(self):
        return "ready" in self.log()


class PlainNginx(Nginx):
    """An nginx with a location of the peer's kind, or with our file."""

    def __init__(self, folder, socket_path, location, upstream=""):
        super().__init__(folder, socket_path)
        self.location = location
        self.upstream = upstream

    def _configuration(self, listen):
        text = super()._configuration(listen)
        if self.location is not None:
            text = text.replace(f"include {self.home}/callhook.conf;",
                                self.location)
        elif self.upstream:
            given = self.home / "callhook.conf"
            given.write_text(given.read_text().replace(
                f"fastcgi_pass unix:{self.socket_path};",
                "fastcgi_pass receiver; fastcgi_keep_conn on;"))
        # wrk's connections stay: nginx would end each after 1000 requests.
        return text.replace("    server {", "    keepalive_requests 100000000;"
                            f"\n    {self.upstream}\n    server {{", 1)


def _stock(path, extra=""):
    return (f"location /callhook {{ include {PARAMS}; {extra} "
            f"fastcgi_pass unix:{path}; }}")


@contextlib.contextmanager
def _behind_nginx(service, folder, location, upstream=""):
    with service, PlainNginx(folder, service.path, location,
                             upstream) as nginx:
        yield Target(nginx.port, "/callhook",
                     lambda: measure.descendants(service.pid))


def _receiver(folder, database):
    return ReleaseReceiver(folder, database.environment())


def callhook(folder, database):
    """Plain fastcgi_pass and stock parameters."""
    receiver = _receiver(folder, database)
    return _behind_nginx(receiver, folder, _stock(receiver.path))


def callhook_supplied(folder, database):
    """nginx/callhook.conf as it is."""
    return _behind_nginx(_receiver(folder, database), folder, None)


def callhook_keepalive(folder, database):
    """nginx/callhook.conf with kept connections to the receiver."""
    receiver = _receiver(folder, database)
    return _behind_nginx(
        receiver, folder, None,
        f"upstream receiver {{ server unix:{receiver.path}; keepalive 64; "
        "keepalive_requests 1000000; }")


def noop_threads(folder, _):
    noop = Program(folder, BUILD / "noop_threads")
    return _behind_nginx(noop, folder, _stock(noop.path))


def noop_best(folder, _):
    noop = Program(folder, BUILD / "noop_best")
    return _behind_nginx(noop, folder, _stock(noop.path))


@contextlib.contextmanager
def nginx_alone(folder, _):
    """It passes nothing on: what no program behind it can exceed."""
    with PlainNginx(folder, "", "location /callhook { return 202; }") as nginx:
        yield Target(nginx.port, "/callhook",
                     lambda: measure.descendants(nginx.pid))


def php(folder, database, workers=PHP_WORKERS):
    fpm = Php(folder, database.environment(), workers)
    return _behind_nginx(fpm, folder, _stock(
        fpm.path, f"fastcgi_param SCRIPT_FILENAME {fpm.script};"))


def php_default(folder, database):
    return php(folder, database, PHP_WORKERS_DEFAULT)


def _proxied(server, folder):
    """nginx keeps its connections to it, as users set it up."""
    return _behind_nginx(
        server, folder,
        "location /callhook { proxy_pass http://peer; "
        'proxy_http_version 1.1; proxy_set_header Connection ""; '
        "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }",
        f"upstream peer {{ server unix:{server.path}; keepalive 64; "
        "keepalive_requests 1000000; }")


def node(folder, database, pool=NODE_POOL):
    return _proxied(HttpServer(
        folder, "node", ["node", BUILD / "node" / "server.js"],
        {"NODE_ENV": "production", "POOL": pool}, database.environment()),
        folder)


def node_default(folder, database):
    return node(folder, database, NODE_POOL_DEFAULT)


def _go(folder, database, store, pool):
    return _proxied(HttpServer(
        folder, "go", [BUILD / "go-peer"], {"STORE": store, "POOL": pool},
        database.environment()), folder)


def go_pool(folder, database):
    return _go(folder, database, "pool", GO_POOL)


def go_group(folder, database):
    return _go(folder, database, "group", GO_GROUPS)


class ThreadedApache(Apache):
    """One process with threads for all: with several, one that got more
    connections than it has threads closes some that wait."""

    source = RECEIVER

    def _configuration(self):
        return super()._configuration() + (
            "ServerLimit 2\nStartServers 1\nThreadLimit 128\n"
            "ThreadsPerChild 128\nMinSpareThreads 1\nMaxSpareThreads 256\n"
            "MaxKeepAliveRequests 0\nKeepAliveTimeout 60\n")


@contextlib.contextmanager
def _apache(folder, kind, database, receiver=None):
    settings = {} if receiver else {**database.environment(),
                                    "CALLHOOK_SPOOL": ""}
    with contextlib.ExitStack() as stack:
        if receiver:
            stack.enter_context(receiver)
        apache = stack.enter_context(ThreadedApache(
            folder, kind, settings, receiver and receiver.path))
        above = receiver or apache
        yield Target(apache.port, apache.path, lambda: measure.named(
            measure.descendants(above.pid), "callhook"))


def apache_fcgid(folder, database):
    return _apache(folder, "fcgid", database)


def apache_proxy(folder, database):
    return _apache(folder, "proxy-fcgi", database,
                   _receiver(folder, database))


def apache_cgi(folder, database):
    return _apache(folder, "cgi", database)
