"""An nginx before a receiver."""

import contextlib
import http.client
import os
import shutil
import signal
import socket

from support.answers import read_answer
from support.project import ROOT
from support.service import Service, Trouble, next_number

NGINX_CONF = ROOT / "nginx" / "callhook.conf"


class Nginx(Service):
    """An nginx with the project's own configuration, on loopback."""

    name = "nginx"
    stop_signal = signal.SIGTERM
    SOCKET = "/run/callhook/callhook.sock"

    def __init__(self, folder, socket_path, port=None):
        super().__init__(folder)
        self.home = self.folder / f"nginx{next_number()}"
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
