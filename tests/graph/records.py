"""Graph's /v1.0/communications/callRecords: records, their pages, the list."""

import collections
import dataclasses
import itertools
import json
import operator
import re
import threading
import urllib.parse
import uuid

from .front import Refusal, Route
from .identity import ROLE
from .journal import GUID, read_instant
from .records_data import (LATE_MEMBERS, Content, Maker, Shape, documented,
                           without_nulls)
from .web import JSON, Answer

KEPT_SECONDS = 30 * 86400
ROOT = "/v1.0/communications/callRecords"
UNKNOWN = b'"unknownFutureValue"'

_PROPERTIES = {
    "id", "version", "type", "modalities", "startDateTime", "endDateTime",
    "lastModifiedDateTime", "joinWebUrl", "organizer", "participants"}
_EXPANSIONS = ("sessions", "sessions($expand=segments)", "participants_v2")
_COMPARISONS = {"lt": operator.lt, "le": operator.le,
                "gt": operator.gt, "ge": operator.ge}
_BY_TIME = re.compile(r"startDateTime (lt|le|gt|ge) (\S+)")
_BY_PERSON = re.compile(r"participants_v2/any\(p:p/id eq '([^']+)'\)")
_ID = re.escape(ROOT) + r"(?:/(?P<id>[^/()]+)|\('(?P<key>[^/']+)'\))"


@dataclasses.dataclass
class Edition:
    """One version's content, and its pages once they were asked for."""

    content: Content
    pages: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Call:
    """A call, and how its record behaves.

    Settable: misses (so many requests find nothing yet), ready_at (nobody
    finds it before), change_at (counts of requests after which the version
    rises), removed."""

    id: str
    tenant_id: str
    begin: float
    seconds: float
    shape: Shape
    seed: object
    version: int
    modified_at: float
    sample: dict = None
    misses: int = 0
    ready_at: float = 0
    change_at: tuple = ()
    removed: bool = False
    requests: int = 0           # that found the record or a page of it
    edition: Edition = None

    @property
    def end(self):
        return self.begin + self.seconds

    def kept(self, now):
        """Whether Graph has it."""
        return (not self.removed and not self.misses
                and self.ready_at <= now < self.end + KEPT_SECONDS)

    @property
    def content(self):
        """Of its newest version."""
        return self.newest().content

    def newest(self):
        edition = self.edition
        if edition is None:
            edition = self.edition = Edition(self._made())
        return edition

    def _made(self):
        times = (self.begin, self.seconds, self.version, self.modified_at)
        if self.sample is not None:
            return documented(self.sample, self.id, *times)
        return Maker(self.id, self.tenant_id, self.seed, self.shape,
                     *times).content()


@dataclasses.dataclass
class Wanted:
    """What the headers and the query of a request ask for."""

    late: bool = False          # members behind unknownFutureValue
    nulls: bool = True
    most: int = None            # rows on a page
    options: dict = dataclasses.field(default_factory=dict)

    @property
    def key(self):
        return (self.late, self.nulls, self.most,
                tuple(sorted(self.options.items())))


def dumped(content):
    return json.dumps(content, ensure_ascii=False,
                      separators=(",", ":")).encode()


def bad(message):
    return Refusal(400, "BadRequest", message)


class Records:
    """double.records.

    Settings: page sizes; elsewhere: the next links of these endpoints lead to
    another host; one_expansion: only one $expand in a request."""

    def __init__(self, double):
        self.double = double
        self.session_page = 60
        self.participant_page = 130
        self.list_page = 60
        self.elsewhere = set()          # of record, sessions, participants
        self.one_expansion = False
        self.all = {}                   # (tenant, call id) to Call
        self._of_tenant = collections.defaultdict(list)
        self._links = {}                # target to how it is answered
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._headers = {"Content-Type": JSON + ";odata.metadata=minimal;"
                         "odata.streaming=true;IEEE754Compatible=false;"
                         "charset=utf-8", "OData-Version": "4.0"}
        expression = re.compile
        self.routes = [
            Route("record", "GET", expression(_ID), self.get, "record"),
            Route("sessions", "GET", expression(_ID + "/sessions"),
                  self.get_sessions, "record"),
            Route("participants", "GET", expression(_ID + "/participants_v2"),
                  self.get_participants, "record"),
            Route("records", "GET", expression(re.escape(ROOT)), self.list,
                  "records"),
        ]

    # -- what tests use ----------------------------------------------------

    def add(self, tenant, call_id=None, *, begin=None, seconds=600, seed=None,
            version=1, modified_at=None, sample=None, misses=0, ready_at=0,
            **shape):
        """A call that has ended; its Call.

        tenant: an id or what has a tenant_id. begin: by the double's clock,
        default: it ended an hour ago. sample: a documented record, instead
        of one made from the seed. shape: see records_data.Shape."""
        tenant_id = getattr(tenant, "tenant_id", tenant)
        call_id = call_id or str(uuid.uuid4())
        if begin is None:
            begin = self.double.clock.now() - 3600 - seconds
        if modified_at is None:
            modified_at = begin + seconds + 900
        call = Call(call_id, tenant_id, round(begin, 6), seconds,
                    Shape(**shape), call_id if seed is None else seed,
                    version, modified_at, sample, misses, ready_at)
        with self._lock:
            self.all[tenant_id, call_id] = call
            self._of_tenant[tenant_id].append(call)
        return call

    def change(self, call, version=None, **shape):
        """Another version is there: a higher one if none is given."""
        with self._lock:
            call.version = call.version + 1 if version is None else version
            call.modified_at = self.double.clock.now()
            call.shape = dataclasses.replace(call.shape, **shape)
            call.edition = None

    def calls(self, tenant):
        """Those that Graph has now: what a client should have as well."""
        now = self.double.clock.now()
        tenant_id = getattr(tenant, "tenant_id", tenant)
        with self._lock:
            return [call for call in self._of_tenant[tenant_id]
                    if call.kept(now)]

    def ever(self, tenant):
        """Also those that are not there yet, or no longer."""
        return list(self._of_tenant[getattr(tenant, "tenant_id", tenant)])

    # -- endpoints ---------------------------------------------------------

    def get(self, request):
        wanted = self._wanted(request, {"$expand", "$select"})
        expansions = split_options(wanted.options.get("$expand", ""))
        kinds = [text.partition("(")[0] for text in expansions]
        if set(expansions) - set(_EXPANSIONS) or len(kinds) != len(
                set(kinds)):
            raise self._odd(request, "$expand")
        if self.one_expansion and len(kinds) > 1:
            raise bad("Only one relationship can be expanded.")
        selected = self._selected(request, wanted)
        call = self._found(request)
        return self._page(call, wanted, ("record", wanted.key), lambda content:
                          self._record(call, content, wanted, expansions,
                                       selected))

    def get_sessions(self, request):
        return self._rows(request, "sessions", {"$expand"})

    def get_participants(self, request):
        return self._rows(request, "participants_v2", set())

    def list(self, request):
        if self._continued(request):
            return self._links[request_target(request)](request)
        wanted = self._wanted(request, {"$filter", "$select"})
        chosen = self._filter(request, wanted.options.get("$filter", ""))
        selected = self._selected(request, wanted)
        self._authorise(request)
        found = [call for call in self.calls(request.tenant_id)
                 if chosen(call)]
        found.sort(key=lambda call: call.id)    # not by time
        return self._list_page(found, 0, wanted, selected)

    # -- parts of them -----------------------------------------------------

    def _authorise(self, request):
        if ROLE not in request.token.roles:
            raise Refusal(403, "Forbidden", "")

    def _odd(self, request, what):
        self.double.journal.complain(
            f"{request.endpoint}: {what} is not documented: {request.target}")
        return bad(f"{what} is not supported.")

    def _wanted(self, request, allowed):
        """The Prefer header and the query, each option once."""
        wanted = Wanted()
        for text in request.headers.get("prefer", "").split(","):
            name, _, value = text.strip().partition("=")
            if name == "include-unknown-enum-members":
                wanted.late = True
            elif (name, value) == ("omit-values", "nulls"):
                wanted.nulls = False
            elif name == "odata.maxpagesize" and value.isdecimal():
                wanted.most = max(int(value), 1)
            elif name:
                raise self._odd(request, f"Prefer: {text}")
        for pair in filter(None, request.query.split("&")):
            name, _, value = pair.partition("=")
            name = urllib.parse.unquote(name)
            if name not in allowed or name in wanted.options:
                raise self._odd(request, f"the option {name}")
            wanted.options[name] = urllib.parse.unquote_plus(value)
        return wanted

    def _selected(self, request, wanted):
        names = split_options(wanted.options.get("$select", ""))
        if set(names) - _PROPERTIES:
            raise self._odd(request, "$select")
        return names

    def _found(self, request):
        """The call that is meant; what happens at its requests happens."""
        self._authorise(request)
        call_id = request.parts["id"] or request.parts["key"]
        if not GUID.fullmatch(call_id):
            raise self._odd(request, "an id that is no GUID")
        call = self.all.get((request.tenant_id, call_id.lower()))
        with self._lock:
            if call is not None and call.misses:
                call.misses -= 1
                raise Refusal(404, "NotFound", "")
        if call is None or not call.kept(self.double.clock.now()):
            raise Refusal(404, "NotFound", "")
        with self._lock:
            call.requests += 1
            changes = call.requests - 1 in call.change_at
        if changes:
            self.change(call)
        return call

    def _page(self, call, wanted, key, build):
        """The bytes of a page, made at the first request for them."""
        edition = call.newest()
        body = edition.pages.get(key)
        if body is None:
            content = build(edition.content)
            body = dumped(content if wanted.nulls else without_nulls(content))
            if not wanted.late:
                for member in LATE_MEMBERS:
                    body = body.replace(b'"%s"' % member.encode(), UNKNOWN)
            edition.pages[key] = body
        return Answer(200, body, dict(self._headers))

    def _record(self, call, content, wanted, expansions, selected):
        made = {"@odata.context": self._context("/$entity"),
                **chosen_members(content.head, selected)}
        for text in expansions:
            kind, _, inner = text.partition("(")
            options = {"$expand": "segments"} if inner else {}
            rows, link = self._cut(call, content, kind, 0,
                                   dataclasses.replace(wanted,
                                                       options=options))
            made[f"{kind}@odata.context"] = self._context(
                f"('{call.id}')/{kind}")
            made[kind] = rows
            if link:
                made[f"{kind}@odata.nextLink"] = link
        return made

    def _rows(self, request, kind, allowed):
        if self._continued(request):
            kind, start, wanted = self._links[request_target(request)]
            # Prefer is of each request.
            given = self._wanted(dataclasses.replace(
                request, target=request.path), set())
            wanted = dataclasses.replace(given, options=wanted.options)
        else:
            start, wanted = 0, self._wanted(request, allowed)
            if wanted.options.get("$expand", "segments") != "segments":
                raise self._odd(request, "$expand")
        call = self._found(request)

        def build(content):
            rows, link = self._cut(call, content, kind, start, wanted)
            made = {"@odata.context": self._context(
                f"('{call.id}')/{kind}"), "value": rows}
            if link:
                made["@odata.nextLink"] = link
            return made

        return self._page(call, wanted, (kind, start, wanted.key), build)

    def _cut(self, call, content, kind, start, wanted):
        """The rows of a page and the link to the next one, or None."""
        if kind == "sessions":
            all_rows, page = content.sessions, self.session_page
            endpoint = "sessions"
        else:
            all_rows, page = content.participants, self.participant_page
            endpoint = "participants"
        page = min(page, wanted.most or page)
        rows = all_rows[start:start + page]
        if kind == "sessions" and "$expand" not in wanted.options:
            rows = [{name: value for name, value in row.items()
                     if name != "segments"} for row in rows]
        if start + page >= len(all_rows):
            return rows, None
        options = "".join(f"{name}={value}&" for name, value in
                          wanted.options.items())
        # Not the path that a client would make up.
        return rows, self._link(
            f"{ROOT}('{call.id}')/{kind}?{options}", endpoint,
            (kind, start + page, wanted))

    def _list_page(self, found, start, wanted, selected):
        page = min(self.list_page, wanted.most or self.list_page)
        rows = []
        for call in found[start:start + page]:
            # Also of a record that is all nulls the list has these.
            known = {**call.content.head, "id": call.id,
                     "version": call.version}
            rows.append(chosen_members(known, selected))
        made = {"@odata.context": self._context(""), "value": rows}
        if start + page < len(found):
            made["@odata.nextLink"] = self._link(
                f"{ROOT}?", "records", lambda request: self._list_page(
                    found, start + page, wanted, selected))
        body = dumped(made if wanted.nulls else without_nulls(made))
        return Answer(200, body, dict(self._headers))

    def _context(self, what):
        return (f"{self.double.graph_url}/v1.0/$metadata"
                f"#communications/callRecords{what}")

    def _link(self, prefix, endpoint, continuation):
        """A link that is good only as it stands."""
        token = f"{next(self._numbers):x}-{uuid.uuid4().hex}"
        target = f"{prefix}$skiptoken={token}"
        self._links[target] = continuation
        host = (self.double.other_url if endpoint in self.elsewhere
                else self.double.graph_url)
        return host + target

    def _continued(self, request):
        """Whether this follows a link; one that we made."""
        if "$skiptoken=" not in urllib.parse.unquote(request.query):
            return False
        if request_target(request) not in self._links:
            raise self._odd(request, "a link of its own")
        self._authorise(request)
        return True

    def _filter(self, request, text):
        """A function that tells whether the list has a call."""
        conditions = []
        for term in text.split(" and ") if text else ():
            by_time = _BY_TIME.fullmatch(term)
            by_person = _BY_PERSON.fullmatch(term)
            at = by_time and read_instant(by_time[2])
            if at is not None:
                conditions.append((_COMPARISONS[by_time[1]], at))
            elif by_person:
                conditions.append((None, by_person[1]))
            else:
                raise self._odd(request, f"$filter {term!r}")

        def chosen(call):
            return all(
                compare(call.begin, value) if compare else any(
                    row.get("id") == value
                    for row in call.content.participants)
                for compare, value in conditions)

        return chosen


def request_target(request):
    return urllib.parse.unquote(request.target)


def split_options(text):
    """a,b(c=d,e) to a and b(c=d,e)."""
    return [part for part in re.split(r",(?![^(]*\))", text) if part]


def chosen_members(members, selected):
    if not selected:
        return members
    return {name: members.get(name) for name in selected}
