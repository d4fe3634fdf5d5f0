"""The store of calls and records, as the renewer's role uses it."""

import json

from support.database import literal

TENANT = "dc368399-474c-4d40-900c-6265431fd81f"


class Store:
    """The functions of the store, called by the renewer's role."""

    def __init__(self, database, tenant=TENANT):
        self.database, self.tenant = database, tenant

    # What the renewer reaches through other functions alone.
    INTERNAL = {"store_pages", "finish_records", "file_listed_calls",
                "store_pstn_rows", "store_direct_routing_rows", "close_gaps"}

    def call(self, function, *arguments):
        """The rows of a function."""
        text = ", ".join(
            literal(json.dumps(a)) if isinstance(a, (dict, list))
            else literal(a) for a in arguments)
        return self.database.query(
            f"SELECT * FROM callhook_store.{function}({text})",
            "postgres" if function in self.INTERNAL else "test_renewer")

    def value(self, function, *arguments):
        [row] = self.call(function, *arguments)
        [value] = row.values()
        return value

    def turn_reading_on(self):
        self.call("set_reading", self.tenant, True)

    def begin(self, call_id):
        """Claim a call, whatever is known of it; the reading's number."""
        self.call("want_calls", self.tenant, "{" + call_id + "}")
        for row in self.call("claim_calls", self.tenant, 1000):
            if row["call_id"] == call_id:
                return row["reading_no"]
        raise AssertionError("the call is not due")

    def page(self, call_id, reading, kind, number, body, apart=False):
        """Store a page of a reading; whether it is there."""
        return self.raw_page(call_id, reading, json.dumps(body), kind, number,
                             apart)

    def raw_page(self, call_id, reading, text, kind="record", number=1,
                 apart=False):
        """The same of a page as Graph might write it."""
        self.call("store_pages", self.tenant,
                  [[call_id, reading, kind, number, apart]], text)
        return self.database.query(f"""
            SELECT FROM callhook_store.record_pages
            WHERE tenant_id = '{self.tenant}' AND call_id = '{call_id}'
              AND reading_no = {reading} AND kind = '{kind}'
              AND page_no = {number}""") != []

    def finish(self, call_id, reading):
        [row] = self.call("finish_records", self.tenant,
                          "{" + call_id + "}", "{%d}" % reading)
        return row["outcome"]

    def read(self, call_id, record, sessions=(), participants=()):
        """Read a record with further pages; what became of it."""
        reading = self.begin(call_id)
        assert self.page(call_id, reading, "record", 1, record)
        for number, page in enumerate(sessions, 1):
            self.page(call_id, reading, "sessions", number, page)
        for number, page in enumerate(participants, 1):
            self.page(call_id, reading, "participants_v2", number, page)
        return self.finish(call_id, reading)

    def view(self, name, condition="true", order="1"):
        return self.database.query(
            f"SELECT * FROM callhook.{name} WHERE {condition} "
            f"ORDER BY {order}", "test_reader")

    def row(self, name, condition="true"):
        [row] = self.view(name, condition)
        return row

    def known(self, call_id):
        return self.row("calls", f"call_id = '{call_id}'")

    def notify(self, call_id, received_at="now()", stored_at="now()",
               tenant=None):
        """A notification as the receiver's role cannot date it."""
        self.database.execute(notification(
            call_id, received_at, stored_at, tenant or self.tenant))

    def fold(self, batch=50000):
        return self.value("fold_notifications", batch)


def notification(call_id, received_at="now()", stored_at="now()",
                 tenant=TENANT):
    return f"""
        INSERT INTO callhook_store.notifications (notification_id,
            received_at, stored_at, tenant_id, change_type, call_id)
        VALUES (gen_random_uuid(), {received_at}, {stored_at}, '{tenant}',
            'updated', {literal(call_id)})"""
