"""What Graph itself sends: handshakes and notifications."""

import contextlib
import http.client
import re
import time
import urllib.parse
import uuid

from support.notification import ABSENT, JSON_TYPE, Subscription, collection

from .journal import instant_text

DELIVERY_SECONDS = 10


class Courier:
    """double.courier. It believes the double's own authority only."""

    def __init__(self, authority):
        self.context = authority.client_context()
        self.handshake_seconds = 10
        self.text = ("Validation: Testing client application reachability "
                     "for subscription Request-Id: {}")

    def _connection(self, url, seconds):
        if url.scheme == "https":
            return http.client.HTTPSConnection(
                url.hostname, url.port, timeout=seconds, context=self.context)
        return http.client.HTTPConnection(url.hostname, url.port,
                                          timeout=seconds)

    def post(self, address, body, headers, seconds, most=65536):
        """One POST: status, content type, body. OSError if it failed."""
        url = urllib.parse.urlsplit(address)
        target = (url.path or "/") + ("?" + url.query if url.query else "")
        begun = time.monotonic()
        with contextlib.closing(self._connection(url, seconds)) as connection:
            try:
                connection.request("POST", target, body, headers)
                got = connection.getresponse()
                content = got.read(most)
            except http.client.HTTPException as trouble:
                raise OSError(f"no HTTP: {trouble!r}") from None
        if time.monotonic() - begun > seconds:
            raise TimeoutError("the answer was not there in time")
        return got.status, got.headers.get("content-type", ""), content

    def validate(self, address):
        """The handshake; None if it was passed, else Graph's sentence."""
        text = self.text.format(uuid.uuid4())
        query = urllib.parse.quote_plus(text)
        query = re.sub("%..", lambda found: found[0].lower(), query)
        joint = "&" if "?" in address else "?"
        try:
            status, kind, body = self.post(
                f"{address}{joint}validationToken={query}", b"",
                {"Accept": "text/plain", "Content-Length": "0",
                 "Content-Type": "text/plain; charset=utf-8"},
                self.handshake_seconds)
        except TimeoutError:
            return "Subscription validation request timed out."
        except (OSError, ValueError):
            status, kind, body = 0, "", b""
        if status != 200:
            return ("Subscription validation request failed. Notification "
                    "endpoint must respond with 200 OK to validation "
                    "request.")
        if (kind.partition(";")[0].strip().lower() != "text/plain"
                or body != text.encode()):
            return ("Subscription validation request failed. Response must "
                    "exactly match validationToken query parameter.")
        return None

    def deliver(self, address, *items):
        """The items as one notification; the status, 0 without an answer."""
        body = collection(*items)
        try:
            return self.post(address, body, JSON_TYPE,
                             DELIVERY_SECONDS)[0]
        except OSError:
            return 0


def change_item(subscription, call_id=None, **changes):
    """A change notification; a change to ABSENT omits a member."""
    if call_id:
        resource = f"communications/callRecords/{call_id}"
        changes = {
            "resource": resource,
            "resourceData": {
                "@odata.type": "#Microsoft.Graph.callRecord",
                "@odata.id": resource,
                "id": call_id,
            }, **changes}
    members = {
        "changeType": subscription.change_type.split(",")[-1],
        "subscriptionExpirationDateTime":
            instant_text(subscription.expires_at, 3), **changes}
    return Subscription(
        subscription.id, subscription.tenant_id,
        subscription.client_state).item(**members)


def lifecycle_item(subscription, event, **changes):
    members = {
        "subscriptionId": subscription.id,
        "subscriptionExpirationDateTime":
            instant_text(subscription.expires_at),
        "tenantId": subscription.tenant_id,
        "clientState": subscription.client_state,
        "lifecycleEvent": event,
        **changes,
    }
    return {name: value for name, value in members.items()
            if value is not ABSENT}
