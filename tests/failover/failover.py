#!/usr/bin/python3
"""Two hosts with callhook behind a balancer, two with PostgreSQL under
pg_auto_failover, and what befalls them: nothing acknowledged may be lost or
be there twice, and nobody waits for over 3 seconds.

    failover.py [--items 200000] [--rate 1000] [--fault NAME]

Exit status 0 if all of it holds.
"""

import argparse
import contextlib
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from hosts import Switch  # noqa: E402  (only now are they on the path)
from pair import Pair  # noqa: E402
from two_hosts import Balancer, ReceivingHost, Sender  # noqa: E402
from support.sender import judge  # noqa: E402
from support.service import (  # noqa: E402
    end_on_signals, temporary_folder, wait_until)
from support.trial import build_tools  # noqa: E402

LONGEST_MS = 3000


class World:
    def __init__(self, folder):
        self.folder = folder
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            switch = stack.enter_context(Switch())
            (self.monitor, first, second, one, two, self.balancing) = (
                switch.host(name) for name in
                ("monitor", "db1", "db2", "web1", "web2", "lb"))
            self.pair = stack.enter_context(
                Pair(self.folder, self.monitor, (first, second),
                     self.balancing))
            self.database = self.pair.create_database()
            self.subscription = self.database.subscribe()
            self.webs = []
            stack.callback(self.stop_webs)
            self.start_webs(one, two)
            stack.enter_context(Balancer(self.folder, self.balancing,
                                         (one, two)))
            self.tools = build_tools(self.folder)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *failure):
        return self.stack.__exit__(*failure)

    def start_webs(self, *hosts, spools=True):
        self.webs = [ReceivingHost(self.folder, host,
                                   self.database.environment(), spools)
                     for host in hosts]
        for web in self.webs:
            web.start()

    def stop_webs(self):
        for web in self.webs:
            web.stop()

    def load(self, rate):
        return Sender(self.tools, self.folder, self.balancing,
                      self.subscription, rate=rate, connections=32)

    def stores_since(self, moment):
        """On either server: an old primary that lives on stores nothing."""
        query = ("SELECT 1 FROM callhook_store.notifications WHERE "
                 f"stored_at > to_timestamp({moment}) LIMIT 1")
        return any(self.pair.psql(
            "-qAt", "-c", query, database=self.database.name, seconds=4,
            host=node.host).stdout.strip() == "1"
            for node in self.pair.nodes)


# --- Faults: each waits for nothing, and yields while it lasts ----------------

@contextlib.contextmanager
def _host_killed(server):
    server.host.kill()
    yield
    server.start()


def primary_killed(world):
    return _host_killed(world.pair.primary())


def standby_killed(world):
    return _host_killed(world.pair.standby())


def receiver_killed(world):
    return _host_killed(world.webs[0])


@contextlib.contextmanager
def balancer_loses_a_receiver(world):
    world.balancing.lose(world.webs[1].host)
    yield
    world.balancing.find(world.webs[1].host)


@contextlib.contextmanager
def primary_frozen(world):
    host = world.pair.primary().host
    host.freeze()
    yield
    host.thaw()


@contextlib.contextmanager
def primary_lives_on(world):
    """It takes connections and cannot commit: neither the monitor nor its
    standby hear of it."""
    zombie, other = world.pair.primary().host, world.pair.standby().host
    for peer in (world.monitor, other):
        zombie.lose(peer)
        peer.lose(zombie)
    yield
    for peer in (world.monitor, other):
        zombie.find(peer)
        peer.find(zombie)


@contextlib.contextmanager
def primary_cut_off(world):
    host = world.pair.primary().host
    host.cut()
    yield
    host.join()


@contextlib.contextmanager
def switched_back(world):
    world.pair.switch_over()
    yield


@contextlib.contextmanager
def disks_lost(world):
    """Without a spool: the primary's host and a receiver's never come back,
    so all that was acknowledged must be on the standby."""
    hosts = [web.host for web in world.webs]
    world.stop_webs()
    world.start_webs(*hosts, spools=False)
    for host in (world.pair.primary().host, hosts[0]):
        host.kill()
    yield


FAULTS = [primary_killed, standby_killed, receiver_killed,
          balancer_loses_a_receiver, primary_frozen, primary_lives_on,
          primary_cut_off, switched_back, disks_lost]


def go_through(world, fault, options):
    """One fault under load, and the count of what became of each item."""
    share = options.items // len(FAULTS)
    load = world.load(options.rate)
    load.start()
    try:
        load.wait_for(share // 4, seconds=120)
        begin = time.time()
        with fault(world):
            moment = time.time()
            wait_until(lambda: world.stores_since(moment),
                       "rows are stored again", 120)
            first = time.time() - begin
            load.wait_for(share // 4, seconds=120)
        load.wait_for(share // 2 + share % 4, seconds=120)
        if fault is not disks_lost:
            world.pair.wait_until_healthy()
    finally:
        load.stop()
    for web in world.webs:
        wait_until(web.spool.empty, f"{web.host.name}'s spool is empty", 60)
    result = judge(load, world.database)
    print(f"{fault.__name__.replace('_', ' '):26} acknowledged "
          f"{result.acknowledged}, stored {result.stored}, lost {result.lost}"
          f", twice {result.twice}, cut {result.cut}, 503 {result.later}, "
          f"slowest {result.slowest_ms:.0f} ms, first row after "
          f"{first:.1f} s", flush=True)
    return result


def reads_from_standby(world):
    """What a reporting tool would do: the standby, if there is one."""
    done = world.pair.psql(
        "-qAt", "-c", "SELECT pg_is_in_recovery(), count(*) > 0 "
        "FROM callhook.notifications",
        database=world.database.name, user="test_reader",
        prefer="prefer-standby")
    print(f"reader, prefer-standby: in recovery, rows: {done.stdout.strip()}",
          flush=True)
    return done.stdout.strip() == "t|t"


def main():
    end_on_signals()
    parser = argparse.ArgumentParser()
    parser.add_argument("--items", type=int, default=200_000)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--fault", choices=[f.__name__ for f in FAULTS])
    options = parser.parse_args()
    with temporary_folder() as folder, World(folder) as world:
        results = []
        well = True
        for fault in FAULTS:
            if options.fault in (None, fault.__name__):
                results.append(go_through(world, fault, options))
                if fault is switched_back:
                    well = reads_from_standby(world)
    acknowledged = sum(result.acknowledged for result in results)
    well = well and all(result.sound() and result.slowest_ms <= LONGEST_MS
               for result in results)
    print(f"{acknowledged} acknowledged; "
          f"{'all of it holds' if well else 'FAILED'}")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
