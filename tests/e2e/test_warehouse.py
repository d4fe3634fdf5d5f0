"""A copy of the store in another PostgreSQL, as callhook-admin(7) says."""

import pytest

from support import manual
from support.postgres import Cluster
from support.project import ROOT
from support.service import wait_until

pytestmark = pytest.mark.no_program

PAGE = ROOT / "cgi" / "callhook-admin.7"


class Publisher(Cluster):
    SETTINGS = {**Cluster.SETTINGS, "wal_level": "logical"}


def store(database):
    """As the receiver does."""
    database.execute("""
        INSERT INTO callhook_store.notifications
            (notification_id, received_at, tenant_id, subscription_id,
             change_type, call_id, resource)
        SELECT gen_random_uuid(), now(), gen_random_uuid(),
               gen_random_uuid(), 'updated', id,
               'communications/callRecords/' || id
        FROM gen_random_uuid() AS id""")


def test_rows_come_to_the_warehouse(folder):
    with Publisher(folder) as here, Cluster(folder) as there:
        database = here.create_database("callhook")
        warehouse = there.create_database("callhook")
        store(database)
        database.execute(manual.block(PAGE, "file publisher.sql"))
        warehouse.execute(
            manual.block(PAGE, "file warehouse.sql")
            .replace("db.example.com", str(here.home))
            .replace("replicator", "postgres"))
        try:
            store(database)
            database.query("SELECT callhook_store.fold_notifications(1000)")
            for view, rows in (("notifications", 2), ("calls", 2)):
                wait_until(lambda: len(warehouse.query(
                    f"SELECT * FROM callhook.{view}", "test_reader")) == rows,
                    f"the {view} are in the warehouse")
            warehouse.execute(manual.block(PAGE, "file rebuild.sql"))
        finally:
            warehouse.execute("DROP SUBSCRIPTION callhook")
