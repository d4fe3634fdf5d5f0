"""What happened: the clock, the requests, and what was wrong with them."""

import dataclasses
import datetime
import email.utils
import json
import re
import threading
import time
import urllib.parse

GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
SECRET = {"client_secret", "client_assertion", "clientState", "access_token"}
INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,7})?"
                     r"(?:Z|[+-]00:00)")

ON_ITS_WAY_SECONDS = 1


class Clock:
    """The time at Microsoft: this machine's, shifted by `offset` seconds."""

    def __init__(self):
        self.offset = 0

    def now(self):
        return time.time() + self.offset

    def http_date(self):
        return email.utils.formatdate(self.now(), usegmt=True)


def instant_text(seconds, digits=7):
    """Seconds since 1970 as Graph writes them."""
    whole, micro = divmod(round(seconds * 1e6), 1000000)
    at = datetime.datetime.fromtimestamp(whole, datetime.timezone.utc)
    fraction = f".{micro:06}0"[:digits + 1] if digits else ""
    return at.strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"


def read_instant(text):
    """ISO 8601 in UTC to seconds since 1970; None if it is none."""
    found = INSTANT.fullmatch(text) if isinstance(text, str) else None
    if not found:
        return None
    try:
        at = datetime.datetime.strptime(found[1], "%Y-%m-%dT%H:%M:%S")
    except ValueError:
        return None
    return (at - datetime.datetime(1970, 1, 1)).total_seconds() + float(
        found[2] or 0)


@dataclasses.dataclass
class Logged:
    """One request; status None while it is being answered, 0: no answer."""

    time: float
    endpoint: str
    tenant_id: str
    client_id: str
    method: str
    path: str
    query: str
    body: object
    headers: dict
    status: int = None
    fault: object = None

    def line(self):
        return (f"{instant_text(self.time, 3)} {self.endpoint} "
                f"{self.tenant_id or '-'} {self.method} {self.path} "
                f"{self.status}")


def without_secrets(request):
    """The body as an object, what is secret in it blotted out."""
    text = request.body.decode("utf-8", "replace")
    try:
        if request.content_type == "application/json":
            content = json.loads(text) if text else None
        else:
            content = dict(urllib.parse.parse_qsl(text))
    except ValueError:
        return "unreadable"
    if isinstance(content, dict):
        return {name: "***" if name in SECRET else value
                for name, value in content.items()}
    return content


class Journal:
    """Every request, and every rule that a client broke."""

    def __init__(self, clock):
        self.clock = clock
        self.requests = []
        self.violations = []
        self.elsewhere = []             # requests to the other host
        self._ids = set()
        self._not_before = {}
        self._told = {}                 # when that was said, and of what
        self._lock = threading.Lock()

    def begin(self, request):
        headers = {name: value for name, value in request.headers.items()
                   if name != "authorization"}
        entry = Logged(self.clock.now(), request.endpoint, request.tenant_id,
                       request.client_id, request.method, request.path,
                       request.query, without_secrets(request), headers)
        self.requests.append(entry)
        return entry

    def complain(self, text):
        self.violations.append(text)

    def check_id(self, request, required):
        """client-request-id: a GUID of its own for each request."""
        given = request.headers.get("client-request-id")
        where = f"{request.method} {request.path}"
        if given is None:
            if required:
                self.complain(f"{where}: no client-request-id")
            return
        if not GUID.fullmatch(given):
            self.complain(f"{where}: client-request-id is no GUID")
            return
        with self._lock:
            known = given.lower() in self._ids
            self._ids.add(given.lower())
        if known:
            self.complain(f"{where}: client-request-id used again")

    def check_wait(self, request):
        """A client that was told to wait must not come before."""
        key = (request.endpoint, request.tenant_id, request.client_id)
        now = time.monotonic()
        early = self._not_before.get(key, 0) - now
        at, part = self._told.get(key, (0, None))
        # Others of its kind may have been on their way at that moment.
        if part != request.parts.get("id") and now - at < ON_ITS_WAY_SECONDS:
            return
        if early > 0:
            self.complain(f"{request.endpoint} of {request.tenant_id}: "
                          f"{early:.1f} s before Retry-After is over")

    def note_wait(self, request, answer):
        given = answer.headers.get("Retry-After", "")
        if str(given).isdecimal() and not answer.drop:
            key = (request.endpoint, request.tenant_id, request.client_id)
            self._not_before[key] = time.monotonic() + int(given)
            self._told[key] = time.monotonic(), request.parts.get("id")

    def asked(self, endpoint=None, tenant_id=None):
        """The requests to this endpoint, for this tenant."""
        return [entry for entry in list(self.requests)
                if endpoint in (None, entry.endpoint)
                and tenant_id in (None, entry.tenant_id)]
