"""The receiver: on a socket, as a CGI program, or run once."""

import os
import signal
import socket
import subprocess

from support.answers import parse_cgi
from support.fastcgi import FastCGI
from support.notification import collection
from support.project import PROGRAM
from support.service import (SANITIZERS, Service, Trouble,
                             minimal_environment, next_number)


class Receiver(Service):
    """callhook as a FastCGI process on a listening Unix socket.

    settings: CALLHOOK_... and PG... variables. beside: another receiver whose
    socket this one shares."""

    name = "receiver"
    program = PROGRAM

    def __init__(self, folder, *settings, beside=None):
        super().__init__(folder)
        self.settings = settings
        self.owns_listener = beside is None
        if beside:
            self.path, self.listener = beside.path, beside.listener
        else:
            self.path = self.folder / f"callhook{next_number()}.sock"
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(str(self.path))
            self.listener.listen(511)

    def start(self):
        if not os.access(PROGRAM, os.X_OK):
            raise Trouble(f"{PROGRAM} is missing: run make first")
        self.spawn([self.program], stdin=self.listener,
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
