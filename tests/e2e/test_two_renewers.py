"""Two renewers with the same configuration on two hosts."""

import json

import pytest

from support.renewer import Renewer
from support.world import HOUR, MINUTE, world_apart

ROUNDS = 4


@pytest.fixture
def other(world):
    """A renewer with the same tenants and a state folder of its own."""
    made = Renewer(world.folder, world.double, world.database,
                   **world.settings)
    made.tenants = world.renewer.tenants
    return made


def run_both(world, other):
    """At the same moment; both must be content."""
    begun = [(renewer, renewer.start("run"))
             for renewer in (world.renewer, other)]
    for renewer, process in begun:
        done = renewer.finish(process)
        assert (done.status, done.stdout) == (0, ""), done


def seen_by(renewer, tenant):
    """What its status shows of the tenant's subscriptions."""
    done = renewer.run("status", "--json")
    [shown] = [one for one in json.loads(done.stdout)["tenants"]
               if one["tenant"] == tenant.name]
    return shown


def test_one_subscription_of_both(world, tenant, other):
    """The first is made, and each is replaced, by one of the two."""
    for _ in range(ROUNDS):
        world.asked()
        run_both(world, other)
        live = world.one(tenant)
        assert world.asked().count("create") == 1
        for renewer in (world.renewer, other):
            assert live.id in json.dumps(seen_by(renewer, tenant))
        world.double.remove(live.id)
        world.pass_time(2 * HOUR)


def test_renewed_by_one_of_both(world, tenant, other):
    run_both(world, other)
    for _ in range(ROUNDS):
        world.pass_time(2 * HOUR)
        world.asked()
        run_both(world, other)
        world.one(tenant)
        assert world.asked().count("patch") == 1


def test_one_that_died_in_its_turn(world, tenant, other):
    """Its turn ends by itself."""
    world.quiet()
    world.pass_time(2 * HOUR)
    world.database.execute(f"""
        UPDATE callhook_store.tenants SET turn_of = 'dead',
               turn_until = now() + interval '40 seconds'
        WHERE tenant = '{tenant.name}'""")
    world.asked()
    world.quiet()
    assert world.asked() == []
    world.pass_time(40)
    world.quiet()
    assert "patch" in world.asked()


def test_a_schema_without_turns(folder, cluster):
    """Programs first, then install.sql: nothing ends meanwhile."""
    with world_apart(folder, cluster) as world:
        tenant = world.add()
        world.database.execute(
            "DROP FUNCTION callhook_store.take_turn(text, uuid, text), "
            "callhook_store.end_turn(text, text)")
        done = world.run()
        assert "42883" in done.stderr, done
        world.one(tenant)


def test_two_that_do_not_know_of_each_other(world, tenant, database):
    """With a database each they replace each other's subscription, and each
    run of both is content: status says so."""
    stranger = Renewer(world.folder, world.double, database, **world.settings)
    stranger.tenants = world.renewer.tenants
    world.quiet()
    ours = world.database
    for _ in range(3):
        assert world.run("status").status == 0
        assert stranger.run("run").status == 0
        world.pass_time(2 * HOUR + MINUTE)
        world.database = database
        world.age_database(2 * HOUR + MINUTE)
        world.database = ours
        world.quiet()
    [need] = seen_by(world.renewer, tenant)["needs"]
    assert need == ("the subscription was replaced 3 times within a day: does "
                    "another renewer work with the same app and URL, or does "
                    "somebody delete it?")
    world.pass_time(24 * HOUR)
    world.quiet()
    assert seen_by(world.renewer, tenant)["needs"] == []
