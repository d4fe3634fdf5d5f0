#!/usr/bin/python3
"""A million acknowledged items through ten random faults: none may be lost,
none may be there twice. Then a million requests: memory must stay flat.

    marathon.py [--items 1000000] [--faults 10] [--requests 1000000]
                [--seed N] [--minutes 20] [--pooler]

--pooler: through a pgbouncer that pools by transaction, before a PostgreSQL
that waits for no disk unless a transaction asks for it.

Exit status 0 if all of it holds.
"""

import argparse
import contextlib
import os
import pathlib
import random
import signal
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from support.freeze import frozen  # noqa: E402
from support.locks import LOCK  # noqa: E402
from support.pooler import Pooler  # noqa: E402
from support.postgres import Careless, Cluster  # noqa: E402
from support.service import (  # noqa: E402
    end_on_signals, temporary_folder, wait_until)
from support.trial import Trial, build_tools, during  # noqa: E402

FLAT = 1.10                             # memory may grow by so much


def say(text):
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)


class Marathon:
    """The servers, the senders, and the faults that befall them."""

    def __init__(self, folder, options, chance):
        self.options, self.chance = options, chance
        self.end = time.monotonic() + options.minutes * 60
        self.folder = folder
        self.cluster = (Careless if options.pooler else Cluster)(folder)
        self.pooler = None
        self.one = self.other = None
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        self.stack.enter_context(self.cluster)
        tools = build_tools(self.folder)
        database = self.cluster.create_database()
        # autovacuum and checkpoints are not what is tried here
        self.cluster.execute("ALTER SYSTEM SET max_wal_size = '4GB'; "
                             "SELECT pg_reload_conf()")
        environment = None
        if self.options.pooler:
            self.pooler = self.stack.enter_context(
                Pooler(self.folder, self.cluster, pool=4))
            environment = self.pooler.environment(database.name)
        self.one = self.stack.enter_context(
            Trial(self.folder, tools, database, environment=environment))
        self.other = self.one.another_receiver()
        self.one.know(self.one.subscribe())
        return self

    def __exit__(self, *failure):
        return self.stack.__exit__(*failure)

    # --- Faults: each returns once the cause is over ------------------------

    def pause(self, low, high):
        during(self.chance.uniform(low, high))

    def database_killed(self):
        self.cluster.kill()
        self.pause(0, 3)
        self.cluster.start()

    def database_stopped(self):
        self.cluster.stop()
        self.pause(1, 10)
        self.cluster.start()

    def database_hangs(self):
        with frozen(self.cluster):
            self.pause(1, 6)

    def sessions_ended(self):
        for _ in range(self.chance.randrange(5, 40)):
            self.one.database.execute("""
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE usename = 'test_receiver'""")
            self.pause(0, 0.2)

    def table_locked(self):
        with self.one.database.session() as session:
            session.run(LOCK)
            self.pause(1, 6)
            session.run("ROLLBACK")

    def read_only(self):
        self.cluster.execute("ALTER SYSTEM SET default_transaction_read_only "
                             "= on; SELECT pg_reload_conf()")
        self.pause(1, 5)
        self.cluster.execute("ALTER SYSTEM RESET default_transaction_read_only"
                             "; SELECT pg_reload_conf()")

    def receiver_killed(self):
        for _ in range(self.chance.randrange(1, 10)):
            victim = self.chance.choice([self.one.receiver, self.other])
            victim.kill()
            victim.start()
            self.pause(0, 0.5)

    def receiver_told_to_stop(self):
        for _ in range(self.chance.randrange(1, 10)):
            victim = self.chance.choice([self.one.receiver, self.other])
            victim.terminate(self.chance.choice(
                [signal.SIGTERM, signal.SIGUSR1]))
            victim.wait()
            victim.start()
            self.pause(0, 0.5)

    def nginx_reloaded(self):
        for _ in range(self.chance.randrange(1, 6)):
            self.one.nginx.process.send_signal(signal.SIGHUP)
            self.pause(0, 1)

    def database_and_receiver_killed(self):
        """While the spool is filled, and again while it is emptied."""
        self.cluster.kill()
        self.pause(0.2, 2)
        self.receiver_killed()
        self.cluster.start()
        self.pause(0, 3)
        self.receiver_killed()

    def pooler_killed(self):
        """The transactions of its clients end with it."""
        self.pooler.kill()
        self.pause(0, 3)
        self.pooler.start()

    def spool_gone(self):
        """Neither database nor spool: 503."""
        path = self.one.spool.path
        self.cluster.stop()
        self.pause(0.2, 1)
        away = path.with_name("away")
        path.rename(away)
        self.pause(0.5, 3)
        away.rename(path)
        self.pause(0.2, 1)
        self.cluster.start()

    FAULTS = [database_killed, database_stopped, database_hangs,
              sessions_ended, table_locked, read_only, receiver_killed,
              receiver_told_to_stop, nginx_reloaded,
              database_and_receiver_killed, spool_gone]
    POOLED_FAULTS = [*FAULTS, pooler_killed]

    # --- The two parts ------------------------------------------------------

    def acknowledged(self):
        return sum(load.counts().acknowledged for load in self.one.loads)

    def wait_for(self, wanted):
        wait_until(lambda: self.acknowledged() >= wanted,
                           f"{wanted} acknowledged items",
                           max(1, self.end - time.monotonic()))

    def start_senders(self):
        """Bodies of 1 and of 20; through nginx, and directly with kept and
        with new connections."""
        half = self.options.rate // 2
        self.one.load(rate=0, connections=16, items=1)
        self.one.load(rate=half // 20, connections=8, items=20, direct=True)
        self.one.load(rate=half // 20, connections=8, items=20)
        self.one.load(rate=100, connections=4, items=1, direct=True,
                      fresh=True)

    def run_faults(self):
        step = self.options.items // (self.options.faults + 1)
        faults = self.POOLED_FAULTS if self.pooler else self.FAULTS
        plan = self.chance.sample(faults, len(faults))
        plan *= self.options.faults // len(plan) + 1
        self.start_senders()
        for number, fault in enumerate(plan[:self.options.faults], 1):
            self.wait_for(number * step)
            say(f"{self.acknowledged():9}  fault {number}: "
                f"{fault.__name__.replace('_', ' ')}")
            fault(self)
            self.one.wait_for_health(200, "ok", seconds=20)
        self.wait_for(self.options.items)
        for load in self.one.loads:
            load.stop()
        say(f"{self.acknowledged():9}  sent, the spool has "
            f"{len(self.one.spool.files())} files")
        self.one.wait_until_drained(
            max(10, min(120, self.end - time.monotonic())))

    def judge(self):
        result = self.one.result()
        print(f"acknowledged {result.acknowledged}, stored {result.stored}, "
              f"lost {result.lost}, twice {result.twice}\n"
              f"cut before the answer {result.cut}, of which stored "
              f"{result.beyond_cut}; answered 503 {result.later}, of which "
              f"stored {result.beyond_later}\n"
              f"stored for no reason {result.strange}, slowest answer "
              f"{result.slowest_ms:.0f} ms", flush=True)
        return result.sound() and \
            result.acknowledged >= self.options.items

    def memory_kb(self):
        status = pathlib.Path(f"/proc/{self.one.receiver.pid}/status")
        return int(status.read_text().split("VmRSS:")[1].split()[0])

    def send(self, requests):
        """So many requests to one receiver, a tenth of them with 20 items."""
        large = requests // 10
        loads = [self.one.load(rate=0, connections=24, direct=True,
                               requests=requests - large),
                 self.one.load(rate=0, connections=8, items=20, direct=True,
                               requests=large)]
        for load in loads:
            wait_until(lambda: not load.alive(), "all is sent",
                               max(1, self.end - time.monotonic()))
            assert load.counts().statuses.keys() == {202}, load.total
            self.one.loads.remove(load)

    def check_memory(self):
        """RSS after 1,000,000 requests within a tenth of RSS after 10,000."""
        self.other.stop()
        self.one.receiver.stop()
        self.one.receiver.start()
        self.one.know(self.one.subscription)
        few = min(10000, self.options.requests // 10)
        self.send(few)
        before = self.memory_kb()
        self.send(self.options.requests - few)
        after = self.memory_kb()
        print(f"memory after {few} requests {before} kB, after "
              f"{self.options.requests} {after} kB: "
              f"{100 * after / before - 100:+.1f} %", flush=True)
        return after <= before * FLAT


def read_options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--faults", type=int, default=10)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--rate", type=int, default=8000,
                        help="items a second in bodies of 20")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--pooler", action="store_true")
    parser.add_argument("--seed", type=int,
                        default=int.from_bytes(os.urandom(4)))
    return parser.parse_args()


def main():
    end_on_signals()
    options = read_options()
    print(f"seed {options.seed}", flush=True)
    with temporary_folder() as folder, \
            Marathon(folder, options, random.Random(options.seed)) as race:
        race.run_faults()
        sound = race.judge()
        race.one.database.execute(
            "TRUNCATE callhook_store.notifications")
        race.one.loads.clear()
        say("memory")
        flat = race.check_memory() if options.requests else True
    say("all of it holds" if sound and flat else "FAILED")
    return 0 if sound and flat else 1


if __name__ == "__main__":
    sys.exit(main())
