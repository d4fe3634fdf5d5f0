"""A database that hangs, and one that serves again."""

import contextlib
import os
import signal

from support.postgres import children_of


def make_available(cluster):
    """Whatever a test did to a cluster: it serves again."""
    if not cluster.alive():
        cluster.process = None
        cluster.start()
        return
    freeze(cluster, signal.SIGCONT)


def processes(cluster):
    """The server's process and its children."""
    return [cluster.pid, *map(int, children_of(cluster.pid))]


def freeze(cluster, number=signal.SIGSTOP):
    """Stop every process of a cluster, its first one first."""
    for pid in processes(cluster):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


@contextlib.contextmanager
def frozen(cluster):
    """A database that hangs: SIGSTOP, and SIGCONT at the end."""
    freeze(cluster)
    try:
        yield
    finally:
        freeze(cluster, signal.SIGCONT)
