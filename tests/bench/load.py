"""The clients: wrk at full speed, and our own sender at a steady rate."""

import json
import os
import pathlib
import subprocess

from support.notification import collection
from support.project import ROOT
from support.service import Trouble

HERE = pathlib.Path(__file__).resolve().parent
BUILD = ROOT / "build" / "bench"
BODIES = 1024

# Not the one of the tests, which may have sanitizers in it.
RECEIVER = BUILD / "callhook"


def _result(text, who):
    for line in reversed(text.splitlines()):
        if line.startswith("{"):
            return json.loads(line)
    raise Trouble(f"{who} gave no result:\n{text}")


class Wrk:
    """One run of wrk, under way."""

    def __init__(self, target, subscription, items, connections, seconds):
        environment = {
            "PATH": os.environ["PATH"],
            "BENCH_ITEMS": str(items),
            "BENCH_PATH": target.path,
            "BENCH_SUBSCRIPTION": subscription.subscription_id,
            "BENCH_TENANT": subscription.tenant_id,
            "BENCH_SECRET": subscription.secret,
        }
        self.process = subprocess.Popen(
            ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout",
             "30s", "-s", HERE / "load.lua",
             f"http://127.0.0.1:{target.port}"],
            env=environment, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def result(self):
        text, _ = self.process.communicate()
        return _result(text, "wrk")


def paced(target, subscription, rate, seconds, connections=64):
    """Single items at a rate; times count from when each was due."""
    bodies = b"\n".join(collection(subscription.item())
                        for _ in range(BODIES)) + b"\n"
    done = subprocess.run(
        [BUILD / "paced", str(target.port), target.path, str(connections),
         f"{rate:.1f}", str(seconds)],
        input=bodies, capture_output=True)
    if done.returncode != 0:
        raise Trouble(done.stderr.decode())
    return _result(done.stdout.decode(), "paced")
