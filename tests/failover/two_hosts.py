"""Two hosts with a web server and a receiver, a balancer before them, and who
sends to it."""

import os
import re

from hosts import Hosted
from support.nginx import Nginx
from support.project import ROOT
from support.receiver import Receiver
from support.sender import Load
from support.spool import Spool

TWO_HOSTS = ROOT / "nginx" / "two-hosts.conf"
WEB_PORT = 80
BALANCER_PORT = 8080


class HostedReceiver(Hosted, Receiver):
    def __init__(self, folder, host, *settings):
        super().__init__(folder, *settings)
        self.host = host

    def kill(self):
        self.process = None

    def __exit__(self, *_):
        self.stop()
        self.listener.close()


class HostedNginx(Hosted, Nginx):
    """Ready once it has written its pid, which is after it listens."""

    def __init__(self, folder, host, socket_path, port=WEB_PORT):
        super().__init__(folder, socket_path, port)
        self.host = host

    def _listen(self):
        return f"{self.host.address}:{self.port}"

    def ready(self):
        return self.alive() and (self.home / "nginx.pid").exists()


class Balancer(HostedNginx):
    """The file that is shipped, without TLS and with our addresses."""

    def __init__(self, folder, host, hosts):
        super().__init__(folder, host, "", BALANCER_PORT)
        self.hosts = hosts

    def _configuration(self, listen):
        text = TWO_HOSTS.read_text()
        text = re.sub(r"^ *ssl_.*\n", "", text, flags=re.M)
        text = text.replace("listen 443 ssl http2",
                            f"listen 127.0.0.1:{self.port}")
        for shipped, ours in zip(("192.0.2.11", "192.0.2.12"), self.hosts):
            text = text.replace(shipped, ours.address)
        user = "user root;" if os.geteuid() == 0 else ""
        temporary = "".join(
            f"{kind}_temp_path {self.home}/{kind};\n" for kind in
            ("client_body", "fastcgi", "proxy", "scgi", "uwsgi"))
        return (f"{user}\ndaemon off;\nworker_processes 1;\n"
                f"pid {self.home}/nginx.pid;\nerror_log stderr;\n"
                "events { worker_connections 1024; }\n"
                f"http {{\naccess_log off;\n{temporary}{text}}}\n")


class Sender(Hosted, Load):
    def __init__(self, tools, folder, host, subscription, **options):
        super().__init__(tools, folder, BALANCER_PORT, subscription,
                         **options)
        self.host = host


class ReceivingHost:
    """A complete installation on a host; its spool outlives its processes."""

    def __init__(self, folder, host, environment, spools=True):
        self.folder, self.host = folder, host
        self.spool = Spool(folder / f"spool-{host.name}")
        self.receiver = HostedReceiver(
            folder, host, environment,
            {"CALLHOOK_SPOOL": self.spool.path if spools else ""})
        self.nginx = None

    def start(self):
        self.receiver.start()
        self.nginx = HostedNginx(self.folder, self.host, self.receiver.path)
        self.nginx.start()

    def stop(self):
        for server in (self.nginx, self.receiver):
            server.stop()
        self.receiver.listener.close()
