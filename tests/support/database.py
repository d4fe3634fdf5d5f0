"""A database of a cluster, as the renewer fills it and a reader sees it."""

import hashlib
import subprocess
import uuid

from support.notification import Subscription
from support.service import Trouble


def literal(value):
    """A value as an SQL literal."""
    if value is None:
        return "NULL"
    return "'" + str(value).replace("'", "''") + "'"


class Database:
    """One database of a cluster."""

    def __init__(self, cluster, name):
        self.cluster = cluster
        self.name = name

    def query(self, sql, user="postgres"):
        return self.cluster.query(sql, self.name, user)

    def execute(self, sql, user="postgres"):
        return self.cluster.execute(sql, self.name, user)

    def alter(self, sql):
        """Changes a table that is being written to. It locks the table, then
        its partitions, an insert the other way round: the one of the two that
        PostgreSQL ends for it (40P01) tries again, and that may be us."""
        for _ in range(20):
            try:
                return self.execute(sql)
            except Trouble as trouble:
                if "40P01" not in str(trouble):
                    raise
        raise Trouble(f"deadlocked again and again: {sql}")

    def session(self, user="postgres"):
        return self.cluster.session(self.name, user)

    def environment(self, user="test_receiver"):
        return self.cluster.environment(self.name, user)

    def dump(self):
        """All data of the database as text."""
        done = subprocess.run(
            [self.cluster.bin / "pg_dump", "-h", self.cluster.home, "-U",
             "postgres", "--data-only", self.name],
            cwd="/", text=True, capture_output=True, check=True)
        return done.stdout

    def subscribe(self, *, tenant_id=None, subscription_id=None, secret=None,
                  known_tenant=None, announced=False, ended=None):
        """Enter a subscription as the renewer does; only a digest goes in.

        known_tenant: the tenant in the table, if not tenant_id.
        announced: without its id. ended: an interval that lies back."""
        made = Subscription(subscription_id or str(uuid.uuid4()),
                            tenant_id or str(uuid.uuid4()),
                            secret or f"secret-{uuid.uuid4()}")
        digest = hashlib.sha256(made.secret.encode()).hexdigest()
        ended_at = f"now() - interval '{ended}'" if ended else "NULL"
        stored_id = None if announced else made.subscription_id
        self.execute(f"""
            INSERT INTO callhook_store.subscriptions (tenant, tenant_id,
                subscription_id, resource, change_type, notification_url,
                secret_sha256, expires_at, ended_at)
            VALUES ('contoso', {literal(known_tenant or made.tenant_id)},
                {literal(stored_id)}, 'communications/callRecords', 'updated',
                'https://calls.example.com/callhook', '\\x{digest}',
                now() + interval '1 day', {ended_at})""", "test_renewer")
        return made

    def rows(self, subscription=None):
        """What a reader finds, in the order of arrival."""
        condition = "true"
        if subscription is not None:
            condition = ("subscription_id = "
                         + literal(subscription.subscription_id))
        return self.query("SELECT * FROM callhook.notifications "
                          f"WHERE {condition} ORDER BY notification_id",
                          "test_reader")

    def count(self):
        """How many rows the table has, whatever the view shows."""
        return self.query("SELECT count(*) AS n "
                          "FROM callhook_store.notifications")[0]["n"]
