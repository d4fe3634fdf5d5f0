"""A batch in doubt: the connection breaks around the commit, so that the
receiver cannot know whether the rows are stored. They are, once."""

import pytest

from support.full import full_only, length, only_in_full
from support.proxy import Proxy
from support.service import wait_until
from support.trial import recovers

ACK_MS = 1000

# A connection that owes an answer and is silent is waited for, longer each
# time, so that it leaves no process behind in the server.
SILENCE_S = length(40, 200)


@pytest.fixture(params=["before", "swallow", only_in_full("hang")])
def proxy(request, cluster):
    """Cut before the commit, cut after it, and silent after it."""
    with Proxy(cluster) as between:
        between.what = request.param
        yield between


def ends_well(one, proxy):
    """All of it is stored by itself, once."""
    recovers(one, later=0, cut=0, slowest_ms=ACK_MS + 500,
             draining=proxy.what != "hang", seconds=SILENCE_S)


def test_every_third_batch(begin, proxy):
    """COPY, and the INSERT by which a batch in doubt is stored again."""
    one = begin(CALLHOOK_ACK_MS=ACK_MS, environment=proxy.environment())
    load = one.load(items=3, until=100)
    proxy.at_batch = lambda n: "answer" if n % 3 else proxy.what
    load.wait_for(100)
    wanted = length(5, 100) if proxy.what != "hang" else 2
    while proxy.done.get(proxy.what, 0) < wanted:
        load.wait_for(1)
    proxy.at_batch = lambda n: "answer"
    ends_well(one, proxy)


def test_a_wait_that_was_ended(begin, cluster, tmp_path):
    """The warning comes apart from the rows' results, with the commit: the
    file stays, and its rows come again. No answer is owed that the host would
    have to be spared for, longer each time."""
    tmp_path.chmod(0o755)
    with Proxy(cluster, tmp_path / ".s.PGSQL.5432") as proxy:
        proxy.mode = "cut"
        one = begin(CALLHOOK_ACK_MS=ACK_MS, environment=proxy.environment())
        assert one.receiver.send(one.subscribe().item()).status == 202
        assert len(one.spool.files()) == 1
        # The first batch of a connection is its trial.
        proxy.at_batch = lambda n: "answer" if n % 2 else "warn"
        proxy.mode = "pass"
        wait_until(lambda: proxy.done.get("warn", 0) > 1, "they come again", 20)
        proxy.at_batch = lambda n: "answer"
        one.wait_until_drained(5)
        one.close()


@full_only
def test_one_that_is_silent(begin, cluster):
    """Its rows are stored, its answer never comes, nor does an end."""
    with Proxy(cluster) as proxy:
        proxy.what = "hang"
        one = begin(CALLHOOK_ACK_MS=ACK_MS, environment=proxy.environment())
        load = one.load(items=3, until=100)
        last = proxy.batches + 1
        proxy.at_batch = lambda n: "hang" if n == last else "answer"
        load.wait_for(300)
        assert proxy.done["hang"] == 1
        ends_well(one, proxy)
        one.close()


def test_several_in_a_row(begin, proxy):
    """The same rows are in doubt again and again, or are spooled."""
    one = begin(CALLHOOK_ACK_MS=ACK_MS, environment=proxy.environment())
    load = one.load(items=3, until=100)
    for _ in range(length(2, 10) if proxy.what != "hang" else 1):
        until = proxy.batches + 4
        proxy.at_batch = lambda n: proxy.what if n < until else "answer"
        load.wait_for(300)
    ends_well(one, proxy)


def test_while_draining(begin, proxy):
    one = begin(CALLHOOK_ACK_MS=ACK_MS, environment=proxy.environment())
    load = one.load(until=100)
    proxy.mode = "cut"
    proxy.at_batch = lambda n: "before"
    one.wait_for_health(200, "spooling")
    load.wait_for(300)
    load.stop()
    first = proxy.batches
    proxy.at_batch = (lambda n: proxy.what if n - first in (1, 3, 4)
                      else "answer")
    proxy.mode = "pass"
    recovers(one, later=0, cut=0, slowest_ms=ACK_MS + 500, draining=False,
             seconds=SILENCE_S)
    assert proxy.batches >= first + 5
