"""The life of subscriptions: was there one at each moment, and only one?"""

import collections
import dataclasses


@dataclasses.dataclass(frozen=True)
class Event:
    """kind: created, renewed, removed (by client or test) or expired."""

    time: float
    kind: str
    tenant_id: str
    client_id: str
    subscription_id: str
    expires_at: float


@dataclasses.dataclass(frozen=True)
class Span:
    """From, to: by the double's clock."""

    begin: float
    end: float
    key: tuple          # client id, resource, change types

    @property
    def seconds(self):
        return self.end - self.begin


def resource_key(resource):
    return resource.strip("/").lower()


def expiries(stored, now):
    """The events that nobody makes: subscriptions that ran out."""
    return [Event(entry.expires_at, "expired", entry.tenant_id,
                  entry.client_id, entry.id, entry.expires_at)
            for entry in stored
            if entry.expires_at <= now
            and (entry.removed_at is None
                 or entry.removed_at > entry.expires_at)]


def spans(stored, now, wanted):
    """The times in which wanted(number of live ones) is true, for each key,
    from its first subscription until now."""
    by_key = collections.defaultdict(list)
    for entry in stored:
        if entry.created_at < entry.ended_at:
            by_key[entry.key].append(entry)
    found = []
    for key, entries in by_key.items():
        changes = sorted([(entry.created_at, 1) for entry in entries]
                         + [(min(entry.ended_at, now), -1)
                            for entry in entries] + [(now, 0)])
        live = 0
        for (begin, change), (end, _) in zip(changes, changes[1:]):
            live += change
            if begin < end and wanted(live):
                found.append(Span(begin, end, key))
    return found
