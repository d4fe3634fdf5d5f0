"""What processes cost: CPU time, memory, database connections."""

import contextlib
import pathlib

MIB = 1048576


def descendants(pid):
    """A process and all that came from it."""
    found = [pid]
    with contextlib.suppress(OSError):
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += descendants(int(child))
    return found


def named(pids, name):
    """Those of the processes that run a program of this name."""
    found = []
    for pid in pids:
        with contextlib.suppress(OSError):
            if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == name:
                found.append(pid)
    return found


def cpu_us(pids):
    """CPU time of all threads of these processes."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                with contextlib.suppress(OSError):
                    total += int((task / "schedstat").read_text().split()[0])
    return total / 1000


def pss_mib(pids):
    """Memory, with shared pages shared out among those who have them."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in pathlib.Path(
                    f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total / MIB


def connections(database):
    """How many sessions the measured program has with the database."""
    return database.query(
        "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = "
        "current_database() AND usename = 'test_receiver'")[0]["n"]
