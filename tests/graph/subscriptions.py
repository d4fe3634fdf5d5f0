"""Graph's /v1.0/subscriptions, for call records."""

import collections
import dataclasses
import itertools
import json
import re
import threading
import urllib.parse
import uuid

from .front import Refusal, Route
from .history import Event, resource_key
from .identity import ROLE
from .journal import instant_text, read_instant
from .web import JSON, Answer

REAUTHORIZE_SECONDS = 600       # between reauthorize and PATCH

REQUIRED = {"changeType", "notificationUrl", "resource",
            "expirationDateTime", "clientState"}
WRITABLE = REQUIRED | {"lifecycleNotificationUrl",
                       "latestSupportedTlsVersion"}
CHANGEABLE = {"expirationDateTime", "notificationUrl"}

_ID = r"/v1\.0/subscriptions/(?P<id>[0-9A-Fa-f-]{36})"
_RESOURCE = re.compile(r"/?communications/callrecords(\?\$filter=.+)?",
                       re.IGNORECASE)


@dataclasses.dataclass
class Stored:
    """One subscription, also when its time is over."""

    id: str
    tenant_id: str
    client_id: str
    resource: str
    change_type: str
    notification_url: str
    lifecycle_url: str
    client_state: str
    tls_version: str
    created_at: float
    expires_at: float
    removed_at: float = None
    renewals: int = 0
    patched_at: float = None
    reauthorized_at: float = None

    def live(self, now):
        return self.removed_at is None and now < self.expires_at

    @property
    def ended_at(self):
        """Or will end, if nobody renews it."""
        if self.removed_at is None:
            return self.expires_at
        return min(self.removed_at, self.expires_at)

    @property
    def key(self):
        return (self.client_id, resource_key(self.resource),
                change_types(self.change_type))

    def shown(self, secret=None):
        return {
            "id": self.id,
            "resource": self.resource,
            "applicationId": self.client_id,
            "changeType": self.change_type,
            "clientState": secret,
            "notificationUrl": self.notification_url,
            "notificationQueryOptions": None,
            "lifecycleNotificationUrl": self.lifecycle_url,
            "expirationDateTime": instant_text(self.expires_at),
            "creatorId": str(uuid.uuid5(uuid.NAMESPACE_OID, self.client_id)),
            "includeResourceData": None,
            "latestSupportedTlsVersion": self.tls_version,
            "encryptionCertificate": None,
            "encryptionCertificateId": None,
            "notificationUrlAppId": None,
        }


def change_types(text):
    return ",".join(sorted(text.lower().split(",")))


def once(pairs):
    """A JSON object whose members have different names."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member twice")
    return found


def invalid(message):
    return Refusal(400, "InvalidRequest", message)


class Subscriptions:
    """double.subscriptions: the store and its endpoints."""

    def __init__(self, double):
        self.double = double
        self.allow_http = False         # notification URLs without TLS
        self.maximum_minutes = 4230
        self.minimum_minutes = 45       # shorter ones are raised to it
        self.grant_seconds = None       # if set: nobody gets more
        self.quota = 100                # of a tenant
        self.page_size = 100
        self.slash_matters = False      # whether "/x" is another than "x"
        self.expired_stay_seconds = 0   # in the list
        self.all = {}                   # by id, those that have ended too
        self._of_tenant = collections.defaultdict(list)
        self.events = []
        self.secrets = set()
        self._pages = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        one, many = re.compile(_ID), re.compile(r"/v1\.0/subscriptions")
        again = re.compile(_ID + "/reauthorize")
        self.routes = [
            Route("create", "POST", many, self.create, "write"),
            Route("list", "GET", many, self.list, "list"),
            Route("get", "GET", one, self.get, "read"),
            Route("patch", "PATCH", one, self.patch, "write"),
            Route("delete", "DELETE", one, self.delete, "write"),
            Route("reauthorize", "POST", again, self.reauthorize,
                  "reauthorize"),
        ]

    # -- what tests use ----------------------------------------------------

    def live(self, tenant_id=None):
        now = self.double.clock.now()
        return [entry for entry in self.ever(tenant_id) if entry.live(now)]

    def ever(self, tenant_id=None):
        """Those that live and those that have ended."""
        if tenant_id is None:
            return list(self.all.values())
        return list(self._of_tenant[tenant_id])

    def add(self, entry):
        self.all[entry.id] = entry
        self._of_tenant[entry.tenant_id].append(entry)
        if entry.client_state:
            self.secrets.add(entry.client_state)
        self.note("created", entry, entry.created_at)

    def remove(self, entry):
        with self._lock:
            if entry.removed_at is None:
                entry.removed_at = self.double.clock.now()
                self.note("removed", entry, entry.removed_at)

    def note(self, kind, entry, time):
        self.events.append(Event(time, kind, entry.tenant_id, entry.client_id,
                                 entry.id, entry.expires_at))

    # -- endpoints ---------------------------------------------------------

    def create(self, request):
        body = self._body(request, WRITABLE)
        self._check_new(body)
        expires_at = self._granted(body["expirationDateTime"])
        lifecycle_url = body.get("lifecycleNotificationUrl")
        for url in (body["notificationUrl"], lifecycle_url):
            if url is not None:
                self._handshake(request, url)
        # The real one as well refuses only now (documented experience).
        self._authorise(request, "ExtensionError",
                        "Operation: Create; Exception: [Status Code: "
                        "Forbidden; Reason: The request is not authorized "
                        "for this user or application.]")
        entry = Stored(
            str(uuid.uuid4()), request.tenant_id, request.client_id,
            body["resource"], body["changeType"], body["notificationUrl"],
            lifecycle_url, body["clientState"],
            body.get("latestSupportedTlsVersion", "v1_2"),
            self.double.clock.now(), expires_at)
        with self._lock:
            self._check_room(entry)
            self.add(entry)
        return self._entity(201, entry, entry.client_state)

    def list(self, request):
        self._authorise(request)
        start = self._start(request)
        shown = self._listed(request)[start:]
        content = {
            "@odata.context": self._context("subscriptions"),
            "value": [entry.shown() for entry in shown[:self.page_size]],
        }
        if len(shown) > self.page_size:
            token = f"t{next(self._numbers)}-{uuid.uuid4().hex}"
            self._pages[token] = (request.tenant_id, request.client_id,
                                  start + self.page_size)
            content["@odata.nextLink"] = (
                f"{self.double.graph_url}/v1.0/subscriptions"
                f"?$skiptoken={token}")
        return Answer.of(200, content)

    def get(self, request):
        self._authorise(request)
        return self._entity(200, self._own(request))

    def patch(self, request):
        self._authorise(request)
        body = self._body(request, CHANGEABLE)
        if not body:
            raise invalid("Subscription must contain either the "
                          "'expirationDateTime' or 'notificationUrl' "
                          "property and its value.")
        entry = self._own(request)
        now = self.double.clock.now()
        if request.fault and request.fault.unchanged:
            return self._entity(200, entry)
        expires_at = entry.expires_at
        if "expirationDateTime" in body:
            expires_at = self._granted(body["expirationDateTime"])
        url = body.get("notificationUrl", entry.notification_url)
        if url != entry.notification_url:
            self._check_url(url)
            self._handshake(request, url)
        with self._lock:
            self._check_apart(entry, entry.reauthorized_at, now)
            entry.patched_at = now
            entry.expires_at, entry.notification_url = expires_at, url
            entry.renewals += 1
            self.note("renewed", entry, now)
        return self._entity(200, entry)

    def delete(self, request):
        self._authorise(request)
        self.remove(self._own(request))
        return Answer(204)

    def reauthorize(self, request):
        self._authorise(request)
        if request.body:
            raise invalid("There must be no body.")
        entry = self._own(request)
        now = self.double.clock.now()
        with self._lock:
            self._check_apart(entry, entry.patched_at, now)
            entry.reauthorized_at = now
        return Answer(204)

    # -- parts of them -----------------------------------------------------

    def _context(self, what):
        return f"{self.double.graph_url}/v1.0/$metadata#{what}"

    def _entity(self, status, entry, secret=None):
        return Answer.of(status, {
            "@odata.context": self._context("subscriptions/$entity"),
            **entry.shown(secret)})

    @staticmethod
    def _authorise(request, code=None, message=""):
        if ROLE not in request.token.roles:
            raise Refusal(403, code, message)

    def _own(self, request):
        """The live subscription of this app and tenant that is meant."""
        entry = self.all.get(request.parts["id"].lower())
        if (entry is None or not entry.live(self.double.clock.now())
                or (entry.tenant_id, entry.client_id)
                != (request.tenant_id, request.client_id)):
            raise Refusal(404, None, "The object was not found.")
        return entry

    def _listed(self, request):
        since = self.double.clock.now() - self.expired_stay_seconds
        return [entry for entry in self.ever(request.tenant_id)
                if entry.removed_at is None and entry.expires_at > since
                and entry.client_id == request.client_id]

    def _start(self, request):
        """Where the page asked for begins."""
        if not request.query:
            return 0
        token = urllib.parse.unquote(request.query).removeprefix(
            "$skiptoken=")
        tenant_id, client_id, start = self._pages.get(token, (None, None, 0))
        if (tenant_id, client_id) != (request.tenant_id, request.client_id):
            self.double.journal.complain(
                f"list: a query of its own: {request.query}")
            raise invalid("Query options are not supported.")
        return start

    def _body(self, request, allowed):
        """The body as an object that has members of this list only."""
        if request.content_type != JSON:
            self.double.journal.complain("a body that is not called JSON")
            raise Refusal(415, None, "Content-Type must be JSON.")
        try:
            body = json.loads(request.body.decode(),
                              object_pairs_hook=once)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            self.double.journal.complain("a body that is no JSON object")
            raise Refusal(400, None, "Unable to read JSON request payload.")
        for name in body:
            if name not in allowed:
                raise invalid(f"The property '{name}' cannot be set.")
            if not isinstance(body[name], str):
                raise invalid(f"The property '{name}' must be a text.")
        return body

    def _check_new(self, body):
        missing = REQUIRED - body.keys()
        if missing:
            raise invalid(f"Missing: {', '.join(sorted(missing))}.")
        if not 1 <= len(body["clientState"]) <= 128:
            raise invalid("clientState has 128 characters at most.")
        if not set(body["changeType"].split(",")) <= {"created", "updated"}:
            raise invalid("changeType is not supported for the resource.")
        if not _RESOURCE.fullmatch(body["resource"]):
            raise invalid("The resource is not supported.")
        if body.get("latestSupportedTlsVersion", "v1_2") not in (
                "v1_0", "v1_1", "v1_2", "v1_3"):
            raise invalid("latestSupportedTlsVersion is not supported.")
        self._check_url(body["notificationUrl"])
        if "lifecycleNotificationUrl" in body:
            self._check_url(body["lifecycleNotificationUrl"])

    def _check_url(self, text):
        schemes = ("https", "http") if self.allow_http else ("https",)
        try:
            url = urllib.parse.urlsplit(text)
            good = url.scheme in schemes and url.hostname and url.port != 0
        except ValueError:
            good = False
        if not good or url.fragment or url.username is not None:
            raise invalid("The notification URL is not valid.")

    def _granted(self, text):
        """The expiry that a request for this one is given."""
        asked = read_instant(text)
        now = self.double.clock.now()
        if asked is None:
            raise invalid("expirationDateTime is no time in UTC.")
        if asked <= now:
            self.double.journal.complain("asked for an expiry in the past")
            raise invalid("expirationDateTime lies in the past.")
        if asked > now + self.maximum_minutes * 60:
            raise Refusal(400, "ExtensionError", "Subscription expiration "
                          f"can only be {self.maximum_minutes} minutes in "
                          "the future.")
        if self.grant_seconds is not None:
            return min(asked, now + self.grant_seconds)
        return max(asked, now + self.minimum_minutes * 60)

    def _handshake(self, request, url):
        fault = self.double.faults.take("handshake", request.tenant_id)
        if fault:
            self.double.pause(fault.delay)
            if fault.status:
                raise Refusal(fault.status, fault.code or "ValidationError",
                              fault.message)
            if fault.skip:
                return
        trouble = self.double.courier.validate(url)
        if trouble:
            raise Refusal(400, "ValidationError", trouble)

    def _check_room(self, new):
        mine = self.live(new.tenant_id)
        if len(mine) >= self.quota:
            raise Refusal(403, None, "The organization has reached its limit "
                          f"of {self.quota} subscriptions.")
        for entry in mine:
            same = entry.key == new.key and (
                not self.slash_matters or entry.resource == new.resource)
            if same:
                raise Refusal(409, None, "Subscription Id <> already exists "
                              "for the requested combination")

    def _check_apart(self, entry, other_at, now):
        """reauthorize and PATCH may leave it broken if they come together."""
        if other_at is not None and now - other_at < REAUTHORIZE_SECONDS:
            self.double.journal.complain(
                f"{entry.id}: reauthorize and PATCH within 10 minutes")
