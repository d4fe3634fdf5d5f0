"""The renewer behind Debian's tinyproxy, as callhook-admin(7) sets it up."""

import contextlib
import os
import re
import shutil
import socket
import urllib.parse

import pytest

from support import manual
from support.project import ROOT
from support.service import Service

PROGRAM = shutil.which("tinyproxy") or "/usr/bin/tinyproxy"
PAGE = ROOT / "cgi" / "callhook-admin.7"

pytestmark = pytest.mark.skipif(not os.access(PROGRAM, os.X_OK),
                                reason="tinyproxy-bin is not installed")


class Tinyproxy(Service):
    """With the manual's lines, for other addresses and ports."""

    name = "tinyproxy"

    def __init__(self, folder, *targets, allowed="127.0.0.1"):
        super().__init__(folder)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        text = manual.block(PAGE, "file tinyproxy.conf")
        for line, own in (("Port 8888", f"Port {self.port}"),
                          ("Allow 192.0.2.5", f"Allow {allowed}"),
                          ("ConnectPort 443", "\n".join(
                              f"ConnectPort {port}" for port in targets))):
            assert f"{line}\n" in text
            text = text.replace(line, own)
        self.path = self.log_path.with_suffix(".conf")
        self.path.write_text(text + "LogLevel Connect\n")

    def start(self):
        self.spawn([PROGRAM, "-d", "-c", self.path])

    def ready(self):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        return False

    @property
    def url(self):
        """What the manual writes into renewer.conf, with this address."""
        line = manual.block(PAGE, "file renewer.conf").strip()
        return line.removeprefix("proxy = ").replace(
            "proxy.example.com:8888", f"127.0.0.1:{self.port}")

    def asked(self):
        """What it was asked for."""
        return set(re.findall(r"Request \(file descriptor \d+\): (.*)",
                              self.log()))


def port_of(url):
    return urllib.parse.urlsplit(url).port


def test_the_renewer_asks_for_tunnels_only(world, tenant, folder):
    ports = {port_of(world.double.login_url), port_of(world.double.graph_url)}
    with Tinyproxy(folder, *ports) as proxy:
        world.renewer.settings["proxy"] = proxy.url
        world.quiet()
        assert world.live(tenant)
        assert proxy.asked() == {f"CONNECT 127.0.0.1:{port} HTTP/1.1"
                                 for port in ports}


def test_a_port_that_it_does_not_open(world, tenant, folder):
    with Tinyproxy(folder, 1) as proxy:
        world.renewer.settings["proxy"] = proxy.url
        assert "token" in world.failing("proxy", "403")
        assert not world.asked(tenant)


def test_an_address_that_it_does_not_let_in(world, tenant, folder):
    with Tinyproxy(folder, 1, allowed="192.0.2.5") as proxy:
        world.renewer.settings["proxy"] = proxy.url
        world.failing("token")
        assert not world.asked(tenant)
