"""A server process of a test: entered when ready, left when it has ended.

Nothing is shared and each has a temporary folder of its own, so that any
number of them live side by side.
"""

import contextlib
import itertools
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

# Everything that runs now, for the logs that a failed test shows.
running = []

_numbers = itertools.count(1)

SANITIZERS = re.compile(r"(Address|Thread|Leak|UndefinedBehavior)Sanitizer"
                        r"|runtime error:")


def next_number():
    """For names that no other server of this process has."""
    return next(_numbers)


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
        self.log_path = self.folder / f"{self.name}-{next_number()}.log"
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


def end_on_signals():
    """Let SIGTERM and SIGHUP end a script as Ctrl-C does: cleaned up."""
    def leave(number, _):
        sys.exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
