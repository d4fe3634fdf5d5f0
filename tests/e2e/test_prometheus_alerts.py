"""The alerts in a real Prometheus, which scrapes a real node exporter.

A day in which all is well, and how long an alert waits, are promtool's
(test_status_files.py); here `for` and windows of the rules are cut to seconds.
"""

import os
import time

import pytest

from graph import GraphDouble
from support.prometheus import EXPORTER, PROMETHEUS, NodeExporter, Prometheus
from support.renewer import Renewer
from test_status_files import FAULTS, RULES
from test_status_forms import fine, minute

pytestmark = pytest.mark.skipif(
    not (PROMETHEUS and EXPORTER), reason="no prometheus, or no node exporter")

NOTHING = """
    TRUNCATE callhook_store.subscriptions, callhook_store.gaps,
        callhook_store.tenants, callhook_store.receivers,
        callhook_store.receiver_minutes, callhook_store.receiver_hours,
        callhook_store.notification_hours"""


class Watched:
    """A state of affairs whose metrics a Prometheus sees."""

    def __init__(self, renewer, exporter, prometheus):
        self.renewer, self.prometheus = renewer, prometheus
        self.database = renewer.database
        self.path = exporter.home / "callhook.prom"

    def publish(self):
        """What a run would write: but a run mends some faults."""
        aside = self.path.with_suffix(".new")
        aside.write_text(self.renewer.run("status", "--metrics").stdout)
        aside.replace(self.path)

    def all_is_well(self):
        self.renewer.database = self.database
        self.database.execute(NOTHING)
        fine(self.renewer)
        self.publish()


@pytest.fixture(scope="module")
def watched(folder, cluster):
    database = cluster.create_database()
    with GraphDouble(folder) as double, NodeExporter(folder) as exporter, \
            Prometheus(folder, exporter, RULES) as prometheus:
        renewer = Renewer(folder, double, database,
                          notification_url="https://calls.example.com/")
        renewer.add("contoso")
        made = Watched(renewer, exporter, prometheus)
        made.all_is_well()
        prometheus.wait_for_evaluation()
        yield made
    cluster.drop_database(database.name)


# -- the faults, named after their alerts ----------------------------------

def subscription_ends(watched):
    watched.database.execute("""
        UPDATE callhook_store.subscriptions
        SET expires_at = now() + interval '5 h'""")


def silence(watched):
    watched.database.execute(f"""
        INSERT INTO callhook_store.notification_hours
        SELECT '{watched.renewer.tenants["contoso"].tenant_id}', h, 200, 200,
            least(h + interval '59 min', now() - interval '5 hours')
        FROM generate_series(date_trunc('hour', now()) - interval '1400 h',
                             now() - interval '5 hours', '1 h') AS h""")


def gap_open(watched):
    watched.database.execute("""
        INSERT INTO callhook_store.gaps (tenant, tenant_id, resource,
            change_type, reason, begins_at)
        SELECT tenant, tenant_id, 'communications/callrecords', 'updated',
            'it was gone', now() FROM callhook_store.tenants""")


def receiver_dead(watched):
    watched.database.execute("""
        UPDATE callhook_store.receivers
        SET last_seen_at = now() - interval '5 min'""")


def spool_growing(watched):
    minute(watched.renewer, spool=5000)


def answers_over3s(watched):
    minute(watched.renewer, over_3s=1)


def database_down(watched):
    watched.renewer.database = None


def runs_stopped(watched):
    long_ago = time.time() - 5000
    os.utime(watched.path, (long_ago, long_ago))


MADE = {
    "CallhookSubscriptionEnds": subscription_ends,
    "CallhookSilence": silence,
    "CallhookGapOpen": gap_open,
    "CallhookReceiverDead": receiver_dead,
    "CallhookSpoolGrowing": spool_growing,
    "CallhookAnswersOver3s": answers_over3s,
    "CallhookDatabaseDown": database_down,
    "CallhookRunsStopped": runs_stopped,
}


def test_each_alert_of_the_rules_has_its_fault():
    shipped = [line.split("alert: ")[1] for line
               in RULES.read_text().splitlines() if "- alert: " in line]
    assert sorted(MADE) == sorted(shipped)
    assert sorted(alert for *_, alert in FAULTS) == sorted(shipped)


@pytest.mark.parametrize("alert", MADE)
def test_it_fires_alone_and_ends(watched, alert):
    watched.prometheus.wait_for()
    assert watched.prometheus.value("callhook_database_up") == 1
    MADE[alert](watched)
    if MADE[alert] is not runs_stopped:
        watched.publish()
    watched.prometheus.wait_for(alert)
    watched.all_is_well()
    watched.prometheus.wait_for()


def test_the_exporter_takes_the_file_as_it_is(watched):
    assert watched.prometheus.value("node_textfile_scrape_error") == 0
    assert watched.prometheus.value(
        'callhook_subscription_expiry_timestamp_seconds{tenant="contoso"}'
        " - time()") == pytest.approx(2 * 86400, abs=600)
    assert watched.prometheus.value(
        'callhook_items_stored_total{host="edge1"}') == 7
