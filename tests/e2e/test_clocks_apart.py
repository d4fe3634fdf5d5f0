"""Nothing is removed for its age while the database's clock is in doubt."""

import uuid

import pytest

from support.world import DAY, HOUR, world_apart


@pytest.fixture
def world(folder, cluster):
    with world_apart(folder, cluster, retention_days=30) as made:
        made.add()
        # Old enough for each of the two ways to remove things.
        made.database.execute(f"""
            INSERT INTO callhook_store.notifications
                (notification_id, received_at, stored_at, tenant_id)
            VALUES (gen_random_uuid(), now() - interval '50 days',
                    now() - interval '50 days', '{uuid.uuid4()}');
            INSERT INTO callhook_store.consumers (consumer, asked_at)
            VALUES ('idle', now() - interval '50 days')""")
        yield made


def kept(world):
    return (world.database.count(),
            world.database.query("SELECT count(*) AS n "
                                 "FROM callhook_store.consumers")[0]["n"])


@pytest.mark.parametrize("offset", [-400 * DAY, -DAY - HOUR, 2 * DAY])
def test_clocks_that_do_not_agree(world, offset):
    world.double.clock_offset = offset
    done = world.run()
    assert done.status == 1
    words = "behind" if offset > 0 else "ahead of"
    assert f"{words} Graph's: nothing is removed" in done.stderr
    assert kept(world) == (1, 1)
    status = world.run("status", "--json")
    assert status.status != 0 and words in status.stdout
    assert words in world.run("check").stdout
    world.silently_failing()


def test_clocks_that_agree_again(world):
    world.double.clock_offset = 2 * DAY
    assert world.run().status == 1
    world.double.clock_offset = 0
    world.pass_time(2 * HOUR)
    world.database.execute("""UPDATE callhook_store.graph_clock
        SET noted_at = noted_at - interval '2 hours'""")
    done = world.run()
    assert done.status == 0
    assert "ended" in done.stderr
    assert kept(world) == (0, 0)


def test_clocks_that_agree(world):
    world.double.clock_offset = DAY - HOUR
    world.quiet()
    assert kept(world) == (0, 0)


def test_graph_was_not_asked(world):
    """Nothing is due: what was told two hours ago says nothing of today."""
    world.database.execute("UPDATE callhook_store.consumers "
                           "SET asked_at = now()")
    world.quiet()
    world.asked()
    world.database.execute("""
        UPDATE callhook_store.graph_clock
        SET noted_at = noted_at - interval '2 hours';
        UPDATE callhook_store.consumers
        SET asked_at = now() - interval '50 days'""")
    assert world.asks() == []
    assert kept(world)[1] == 1
