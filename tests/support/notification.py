"""Notifications as Graph sends them."""

import dataclasses
import json
import uuid

from support.project import DATA

NIL = "00000000-0000-0000-0000-000000000000"
JSON_TYPE = {"Content-Type": "application/json"}
ABSENT = object()


@dataclasses.dataclass(frozen=True)
class Subscription:
    """A subscription and its secret, as Graph would use it."""

    subscription_id: str
    tenant_id: str
    secret: str

    def item(self, **changes):
        """A change notification of a new call; ABSENT leaves a member out."""
        call_id = str(uuid.uuid4())
        resource = f"communications/callRecords/{call_id}"
        members = {
            "subscriptionId": self.subscription_id,
            "clientState": self.secret,
            "changeType": "updated",
            "resource": resource,
            "subscriptionExpirationDateTime": "2030-02-28T00:00:00.000+00:00",
            "resourceData": {
                "@odata.type": "#Microsoft.Graph.callRecord",
                "@odata.id": resource,
                "id": call_id,
            },
            "tenantId": self.tenant_id,
        }
        members.update(changes)
        return {name: value for name, value in members.items()
                if value is not ABSENT}


def collection(*items):
    """A notification body; an item given as text goes in as it is."""
    parts = [part if isinstance(part, str) else json.dumps(part)
             for part in items]
    return ('{"value":[' + ",".join(parts) + "]}").encode()


def with_member(item, raw):
    """An item as JSON text with a further member, written as it stands."""
    return json.dumps(item)[:-1] + "," + raw + "}"


def seed(name):
    return (DATA / name).read_bytes()
