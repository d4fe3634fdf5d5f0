"""Hosts of a test: network namespaces on a switch of their own, which can be
killed, frozen, cut off, or hidden from one another."""

import contextlib
import os
import pathlib
import signal
import subprocess

from support.service import Service, running, wait_until

NETWORK = "10.77.0."


def ip(*arguments):
    subprocess.run(["ip", *map(str, arguments)], check=True)


class Switch:
    """What the hosts are plugged into; gone with them at the end."""

    def __init__(self):
        self.name = f"callhook-{os.getpid()}"
        self.hosts = []

    def __enter__(self):
        ip("netns", "add", self.name)
        ip("-n", self.name, "link", "add", "bridge", "type", "bridge")
        ip("-n", self.name, "link", "set", "bridge", "up")
        return self

    def __exit__(self, *_):
        for host in self.hosts:
            host.kill()
            ip("netns", "del", host.namespace)
        ip("netns", "del", self.name)

    def host(self, name):
        made = Host(self, name, len(self.hosts) + 2)
        self.hosts.append(made)
        return made


class Host:
    def __init__(self, switch, name, number):
        self.switch, self.name = switch, name
        self.address = f"{NETWORK}{number}"
        self.hardware = f"02:00:00:00:00:{number:02x}"
        self.namespace = f"{switch.name}-{name}"
        self.port = f"to-{name}"
        ip("netns", "add", self.namespace)
        ip("-n", switch.name, "link", "add", self.port, "type", "veth", "peer",
           "name", "eth0", "address", self.hardware, "netns", self.namespace)
        ip("-n", switch.name, "link", "set", self.port, "master", "bridge", "up")
        ip("-n", self.namespace, "address", "add", f"{self.address}/24",
           "dev", "eth0")
        for device in ("lo", "eth0"):
            ip("-n", self.namespace, "link", "set", device, "up")

    def command(self, *arguments):
        """What runs these on this host."""
        return ["ip", "netns", "exec", self.namespace, *map(str, arguments)]

    def pids(self):
        done = subprocess.run(["ip", "netns", "pids", self.namespace],
                              text=True, capture_output=True, check=True)
        return [int(pid) for pid in done.stdout.split()]

    def signal(self, number):
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _is_empty(self):
        self.signal(signal.SIGKILL)
        return not [pid for pid in self.pids() if not self._is_zombie(pid)]

    @staticmethod
    def _is_zombie(pid):
        with contextlib.suppress(OSError):
            stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
            return stat.rpartition(")")[2].split()[0] == "Z"
        return True

    # --- What befalls it ----------------------------------------------------

    def kill(self):
        """All of its processes at once; its disk stays."""
        wait_until(self._is_empty, f"{self.name} is dead")

    def freeze(self):
        self.signal(signal.SIGSTOP)

    def thaw(self):
        self.signal(signal.SIGCONT)

    def cut(self):
        """Its cable is pulled."""
        ip("-n", self.switch.name, "link", "set", self.port, "down")

    def join(self):
        ip("-n", self.switch.name, "link", "set", self.port, "up")

    def lose(self, other):
        """What is sent to the other one gets nowhere, and nobody says so."""
        ip("-n", self.namespace, "neighbour", "replace", other.address,
           "lladdr", "02:00:00:00:00:ff", "nud", "permanent", "dev", "eth0")

    def find(self, other):
        ip("-n", self.namespace, "neighbour", "replace", other.address,
           "lladdr", other.hardware, "nud", "permanent", "dev", "eth0")


class Hosted(Service):
    """A server process on a host."""

    host = None

    def spawn(self, command, **options):
        super().spawn(self.host.command(*command), **options)

    def stop(self):
        """With its host, if that was killed."""
        if self.process and self.process.poll() is None:
            return super().stop()
        with contextlib.suppress(ValueError):
            running.remove(self)
        self.process = None
        return 0
