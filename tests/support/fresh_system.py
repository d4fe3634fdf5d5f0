"""A fresh Debian below a folder, made by debootstrap, and what stands in there
for systemd. For scripts that are root in namespaces of their own."""

import os
import pathlib
import shutil
import socket
import subprocess
import sys
import threading

from support.project import ROOT

MIRROR = os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# Notes each call, and does what the receiver and nginx must see of it.
SYSTEMCTL = """#!/bin/sh
echo "$*" >>/run/systemctl.calls
case "$*" in
*is-enabled*) echo enabled ;;
*restart*callhook.service*) kill -TERM "$(cat /run/callhook.pid)" ;;
*stop*callhook.service*)
    touch /run/callhook.stop
    kill -TERM "$(cat /run/callhook.pid)" 2>/dev/null || : ;;
"reload nginx") nginx -s reload ;;
esac
exit 0
"""


class FreshSystem:
    """Debian's minimum of a suite, kept packed below build/chroots."""

    def __init__(self, suite, name=None):
        folder = ROOT / "build" / "chroots"
        self.suite = suite
        self.packed = folder / f"{suite}.tar"
        self.root = folder / (name or suite)

    def make(self):
        if not self.packed.exists():
            self.packed.parent.mkdir(parents=True, exist_ok=True)
            self.remove()
            subprocess.run(["debootstrap", "--variant=minbase", self.suite,
                            self.root, MIRROR], check=True,
                           stdout=subprocess.DEVNULL)
            part = self.packed.with_suffix(".part")
            subprocess.run(["tar", "-C", self.root, "-cf", part, "."],
                           check=True)
            part.rename(self.packed)
        self.remove()
        self.root.mkdir()
        subprocess.run(["tar", "-C", self.root, "-xpf", self.packed],
                       check=True)

    def remove(self):
        shutil.rmtree(self.root, ignore_errors=True)

    def enter(self):
        """Mount what programs need; it ends with our mount namespace."""
        for kind, place in (("proc", "proc"), ("tmpfs", "dev/shm"),
                            ("tmpfs", "run")):
            (self.root / place).mkdir(exist_ok=True)
            subprocess.run(["mount", "-t", kind, kind, self.root / place],
                           check=True)
        (self.root / "run/lock").mkdir()
        subprocess.run(["mount", "-t", "devpts", "-o",
                        "newinstance,ptmxmode=666", "devpts",
                        self.root / "dev/pts"], check=True)

    def write(self, path, text, mode=0o644):
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)

    def shell(self, script, *, fails=False, **environment):
        """Run a script as root; what it says, on both its outputs."""
        done = self.run(script, stdout=subprocess.PIPE,
                        stderr=subprocess.STDOUT, **environment)
        if (done.returncode != 0) != fails:
            raise SystemExit(f"status {done.returncode} of\n{script}\n"
                             f"{done.stdout}")
        return done.stdout

    def run(self, script, *, given="", stdout=None, stderr=None,
            **environment):
        """The same; what it says goes where ours goes."""
        # (Without a terminal, what asks for a password takes it from here.)
        return subprocess.run(
            ["chroot", self.root, "/bin/sh", "-euc", script],
            env={"PATH": PATH, "HOME": "/root", "LC_ALL": "C.UTF-8",
                 "DEBIAN_FRONTEND": "noninteractive", **environment},
            input=given, stdout=stdout, stderr=stderr, text=True,
            start_new_session=True)

    def copy_tree(self, place):
        """This project, without what is built, at a place in there."""
        tree = self.root / place.lstrip("/")
        shutil.rmtree(tree, ignore_errors=True)
        tree.mkdir()
        with subprocess.Popen(
                ["tar", "-C", ROOT, "-c", "--exclude=./.git",
                 "--exclude=./build", "--exclude=./callhook_*",
                 "--exclude=./cgi/callhook",
                 "--exclude=./renewer/callhook-renewer", "."],
                stdout=subprocess.PIPE) as packed:
            subprocess.run(["tar", "-C", tree, "-xp"], stdin=packed.stdout,
                           check=True)

    def files(self):
        """Every path but those of package managers, logs and of /proc."""
        skipped = ("/proc", "/dev", "/sys", "/run", "/tmp", "/var/cache",
                   "/var/log", "/var/lib/apt", "/var/lib/dpkg")
        found = set()
        for folder, folders, names in os.walk(self.root):
            place = "/" + os.path.relpath(folder, self.root)
            if place.startswith(skipped):
                folders.clear()
            else:
                found |= {os.path.join(place, name)
                          for name in (*folders, *names)}
        return found


def apart(script, namespaces, *words):
    """Whether a script goes well in namespaces that end with it."""
    # The shell is there to reap whom others leave behind.
    return subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--kill-child",
         "--mount-proc", *namespaces, "sh", "-c", '"$@" & wait $!', "sh",
         sys.executable, script, *words]).returncode == 0


class Supervisor:
    """callhook.socket and callhook.service, as systemd would hold them."""

    def __init__(self, system):
        self.system = system
        self.run = system.root / "run"
        folder = self.run / "callhook"
        folder.mkdir()
        path = folder / "callhook.sock"
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(path))
        self.socket.listen(1024)
        system.shell("chown callhook:www-data /run/callhook/callhook.sock; "
                     "chmod 660 /run/callhook/callhook.sock")
        self.starts = 0
        self.thread = threading.Thread(target=self.keep, daemon=True)
        self.thread.start()

    def keep(self):
        """Restart=always, until it is stopped."""
        while not (self.run / "callhook.stop").exists():
            receiver = subprocess.Popen(
                ["chroot", "--userspec=callhook:callhook", self.system.root,
                 "/bin/sh", "-c", "set -a; . /etc/callhook/callhook.env; "
                 "exec /usr/sbin/callhook"],
                stdin=self.socket, stdout=subprocess.DEVNULL,
                stderr=open(self.run / "callhook.log", "ab"),
                env={"PATH": PATH})
            (self.run / "callhook.pid").write_text(str(receiver.pid))
            self.starts += 1
            receiver.wait()
