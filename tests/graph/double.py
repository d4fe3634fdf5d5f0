"""The double as tests see it."""

import itertools
import pathlib
import threading
import uuid

from support.service import running, wait_until

from . import history
from .courier import Courier, change_item, lifecycle_item
from .faults import Fault, Faults
from .front import GraphFront, LoginFront
from .identity import ROLE, SCOPE, Identity
from .journal import SECRET, Clock, Journal
from .limits import Limits
from .records import Records
from .records_pstn import PhoneLogs
from .subscriptions import Stored, Subscriptions
from .tls import Authority
from .web import Answer, Listener, server_context

_numbers = itertools.count(1)


class GraphDouble:
    """The identity platform and Graph, each on a port of its own.

    Settings may be changed at any time: those of `double.subscriptions`
    (allow_http, grant_seconds, page_size, quota, ...), `double.identity`
    (token_seconds), `double.records` (session_page, ...) and
    `double.limits`."""

    name = "graph"

    def __init__(self, folder):
        self.folder = pathlib.Path(folder) / f"graph{next(_numbers)}"
        self.log_path = self.folder / "requests"        # never written
        self.clock = Clock()
        self.journal = Journal(self.clock)
        self.faults = Faults()
        self.limits = Limits()
        self.identity = Identity(self)
        self.subscriptions = Subscriptions(self)
        self.records = Records(self)
        self.phone_logs = PhoneLogs(self)
        # The routes of further topics are added to these lists.
        self.login_routes = list(self.identity.routes)
        self.graph_routes = [*self.subscriptions.routes, *self.records.routes,
                             *self.phone_logs.routes]
        self.login = self.graph = self.other = None
        self._badly_secured = {}
        self._stopping = threading.Event()

    # -- life --------------------------------------------------------------

    def __enter__(self):
        self.folder.mkdir()
        self.authority = Authority(self.folder)
        self.courier = Courier(self.authority)
        good = server_context(*self.authority.issue())
        self.login = self._listen(good, LoginFront(self, self.login_routes))
        self.graph = self._listen(good, GraphFront(self, self.graph_routes))
        self.other = self._listen(good, self._elsewhere)
        running.append(self)
        return self

    def __exit__(self, *_):
        running.remove(self)
        self._stopping.set()
        for listener in (self.login, self.graph, self.other,
                         *self._badly_secured.values()):
            listener.stop()

    def _listen(self, context, handler, **details):
        return Listener(context, handler, self.journal.complain, **details)

    @property
    def login_url(self):
        return self.login.url

    @property
    def graph_url(self):
        return self.graph.url

    @property
    def other_url(self):
        """A host that no token must be sent to."""
        return self.other.url

    @property
    def ca_file(self):
        return self.authority.ca_file

    def untrusted_url(self, why):
        """A host with a bad certificate: expired, wrong_host, self_signed.

        It must be asked nothing at all."""
        if why not in self._badly_secured:
            files = {
                "expired": lambda: self.authority.issue(days=(-30, -1)),
                "wrong_host":
                    lambda: self.authority.issue(["graph.example.com"]),
                "self_signed": self.authority.self_signed,
            }[why]()
            self._badly_secured[why] = self._listen(server_context(*files),
                                                    self._elsewhere)
        return self._badly_secured[why].url

    def _elsewhere(self, request):
        """What is asked of a host that should not be asked."""
        request.endpoint = "elsewhere"
        entry = self.journal.begin(request)
        self.journal.elsewhere.append(entry)
        names = set(request.headers) | set(
            entry.body if isinstance(entry.body, dict) else ())
        carried = names & {"authorization", *SECRET}
        self.journal.complain(f"another host was asked: {request.path}, "
                              f"given {sorted(carried) or 'no secret'}")
        entry.status = 200
        return Answer.of(200, {"value": []})

    # -- set up ------------------------------------------------------------

    @property
    def clock_offset(self):
        """Seconds between this machine's clock and the double's. Only ever
        let it grow once there are subscriptions."""
        return self.clock.offset

    @clock_offset.setter
    def clock_offset(self, seconds):
        self.clock.offset = seconds

    def register(self, tenant_id, client_id, *, secret=None, certificate=None,
                 roles=(ROLE,), scope=SCOPE):
        """An application in a tenant; the same again: it is replaced.

        certificate: PEM as bytes, or a file."""
        return self.identity.register(tenant_id, client_id, secret,
                                      certificate, roles, scope)

    def plant(self, tenant_id, client_id, *, resource=None, change_type=None,
              notification_url="https://elsewhere.example.com/hook",
              lifecycle_url=None, client_state=None, seconds=86400):
        """A subscription that came into being without the client."""
        now = self.clock.now()
        entry = Stored(
            str(uuid.uuid4()), tenant_id, client_id,
            resource or "communications/callRecords",
            change_type or "updated", notification_url, lifecycle_url,
            client_state, "v1_2", now, now + seconds)
        self.subscriptions.add(entry)
        return entry

    def remove(self, subscription):
        """A subscription (or its id) ends, and nobody is told."""
        self.subscriptions.remove(self._found(subscription))

    def revoke(self, tenant_id=None):
        """The tokens made so far are good no more."""
        self.identity.revoke(tenant_id)

    def fail(self, endpoint, *, tenant=None, times=1, after=0, **what):
        """Queue trouble: see faults.Fault for `what`.

        endpoint: token, list, get, create, patch, delete, reauthorize,
        record, sessions, participants, records, pstn, direct_routing, or
        handshake (status, delay and skip only). times: None is until
        clear_faults(). after: so many requests go well first."""
        return self.faults.add(endpoint, Fault(**what), tenant, times, after)

    def clear_faults(self, endpoint=None):
        self.faults.clear(endpoint)

    # -- what Graph does by itself -----------------------------------------

    def _found(self, subscription):
        if isinstance(subscription, Stored):
            return subscription
        return self.subscriptions.all[subscription]

    def notify(self, subscription, call_id=None, **changes):
        """Deliver a change notification; the site's status, 0 for none."""
        entry = self._found(subscription)
        return self.courier.deliver(entry.notification_url,
                                    change_item(entry, call_id, **changes))

    def lifecycle(self, subscription, event, **changes):
        """Deliver a lifecycle notification; the site's status."""
        entry = self._found(subscription)
        return self.courier.deliver(
            entry.lifecycle_url or entry.notification_url,
            lifecycle_item(entry, event, **changes))

    def pause(self, seconds):
        """Sleep, but no longer than the double lives."""
        if seconds:
            self._stopping.wait(seconds)

    # -- what happened -----------------------------------------------------

    @property
    def requests(self):
        return self.journal.requests

    @property
    def violations(self):
        """What a well-behaved client would not have done, as sentences."""
        return self.journal.violations

    def asked(self, endpoint=None, tenant_id=None):
        return self.journal.asked(endpoint, tenant_id)

    def live(self, tenant_id=None):
        return self.subscriptions.live(tenant_id)

    @property
    def history(self):
        """Every Event up to now, in order."""
        stored = self.subscriptions.ever()
        return sorted(self.subscriptions.events
                      + history.expiries(stored, self.clock.now()),
                      key=lambda event: event.time)

    def _spans(self, tenant_id, wanted):
        """Of applications that are registered: others are none of ours."""
        stored = [
            entry for entry in self.subscriptions.ever(tenant_id)
            if (tenant_id, entry.client_id) in self.identity.applications]
        return history.spans(stored, self.clock.now(), wanted)

    def moments_without(self, tenant_id):
        """Spans, since the first one, in which no subscription was live."""
        return self._spans(tenant_id, lambda live: live == 0)

    def moments_with_two(self, tenant_id):
        """Spans in which two or more of the same kind were live."""
        return self._spans(tenant_id, lambda live: live > 1)

    def leaks(self, text):
        """The secrets and tokens that appear in a text."""
        known = self.identity.secrets | self.subscriptions.secrets
        return [secret for secret in known if secret in text]

    def log(self):
        """For the report of a failed test."""
        lines = [entry.line() for entry in self.requests[-200:]]
        return "\n".join(lines + [f"violation: {text}"
                                  for text in self.violations])

    def wait_for(self, endpoint, tenant_id=None, count=1, seconds=20):
        """Until so many requests have come, answered or not."""
        return wait_until(
            lambda: len(self.asked(endpoint, tenant_id)) >= count,
            f"{count} requests to {endpoint}", seconds)
