"""Disks that are soon full."""

import contextlib
import os
import pathlib
import subprocess
import tempfile

from support.service import Trouble, wait_until


class SmallDisks:
    """File systems in memory, of a few megabytes."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.mounted = []
        self.why = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for path in reversed(self.mounted):
            wait_until(lambda: subprocess.run(
                ["umount", path], capture_output=True).returncode == 0,
                f"umount {path}")

    def _mount(self, path, size):
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0711",
             "tmpfs", path], text=True, capture_output=True)
        self.why = done.stderr.strip()
        return done.returncode == 0

    def possible(self):
        if os.geteuid() != 0:
            self.why = "only root may"
            return False
        path = tempfile.mkdtemp(prefix="disk", dir=self.folder)
        if not self._mount(path, "64k"):
            return False
        subprocess.run(["umount", path], check=True)
        return True

    def make(self, size):
        path = pathlib.Path(tempfile.mkdtemp(prefix="disk", dir=self.folder))
        if not self._mount(path, size):
            raise Trouble(f"no tmpfs: {self.why}")
        self.mounted.append(path)
        return path


def fill_disk(path, leave=0):
    """Write a file until the disk has `leave` bytes left, and return it."""
    ballast = pathlib.Path(path) / "ballast"
    with open(ballast, "wb", buffering=0) as file:
        with contextlib.suppress(OSError):
            while True:
                status = os.statvfs(path)
                left = status.f_bavail * status.f_frsize - leave
                if left <= 0:
                    break
                file.write(bytes(min(left, 1 << 20)))
    return ballast
