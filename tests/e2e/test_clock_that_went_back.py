"""The database's clock was ahead for a while: what was noted then is of later
than now, and must hold up nothing."""

import pytest

from support.records_world import RecordsWorld
from support.world import HOUR

pytestmark = [pytest.mark.world(kind=RecordsWorld, reconcile="on"),
              pytest.mark.subscribed]

AHEAD = "interval '20 days'"


def put_off(world, tenant, table, *columns):
    """As it would be had these been written 20 days from now."""
    changes = ", ".join(f"{name} = {name} + {AHEAD}" for name in columns)
    world.database.execute(f"UPDATE callhook_store.{table} SET {changes} "
                           f"WHERE tenant_id = '{tenant.tenant_id}'")


@pytest.mark.parametrize("change", [
    "retry_at = now()", "turn_of = 'other 1:2', turn_until = now()"])
def test_a_tenant_is_not_left_alone(world, tenant, change):
    [entry] = world.live(tenant)
    world.pass_time(2 * HOUR)
    world.database.execute(f"UPDATE callhook_store.tenants SET {change} "
                           f"+ {AHEAD} WHERE tenant = '{tenant.name}'")
    assert world.kept(tenant) is entry
    assert entry.renewals == 1


def test_a_record_is_read(world, tenant):
    call = world.records.add(tenant)
    world.double.fail("record", status=503, times=None)
    world.tell(tenant, call)
    world.run()
    assert world.state(call) == "waiting"
    world.double.clear_faults()
    put_off(world, tenant, "calls", "next_read_at")
    world.run()
    assert world.state(call) == "stored"


def test_throttling_ends(world, tenant):
    call = world.happen(tenant)
    world.database.execute(
        "INSERT INTO callhook_store.throttling VALUES "
        f"('{tenant.tenant_id}', 'records', now() + {AHEAD})")
    world.quiet()
    assert world.state(call) == "stored"


def test_a_gap_is_searched(world, tenant):
    """Lists of a time that was still to come say nothing about it."""
    put_off(world, tenant, "listings", "begins_at", "ends_at", "listed_at")
    call = world.happen(tenant, notified=0,
                        begin=world.double.clock.now() - 4 * HOUR)
    world.database.execute(f"""
        INSERT INTO callhook_store.gaps (tenant, tenant_id, resource,
            change_type, reason, begins_at, ends_at)
        VALUES ('{tenant.name}', '{tenant.tenant_id}',
            'communications/callrecords', 'updated', 'outage',
            now() - interval '5 hours', now() - interval '2 hours')""")
    world.quiet()
    assert world.state(call) == "stored"
    [gap] = world.gaps(tenant)
    assert (gap["closed_at"] is not None, gap["found"]) == (True, 1)
