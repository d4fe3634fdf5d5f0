"""Graph's logs of phone calls: getPstnCalls and getDirectRoutingCalls."""

import collections
import itertools
import json
import random
import re
import urllib.parse

from .front import Refusal, Route
from .identity import ROLE
from .journal import instant_text, read_instant
from .records_data import PEOPLE, guid
from .web import Answer

LONGEST_SECONDS = 90 * 86400
NEVER = "0001-01-01T00:00:00Z"

_ROOT = "/v1.0/communications/callRecords"
_WINDOW = re.compile(r"fromDateTime=([^,]+),toDateTime=([^,]+)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


class PhoneLogs:
    """double.phone_logs. Its limit counts for each of the two."""

    def __init__(self, double):
        self.double = double
        self.page = 1000
        self.elsewhere = False          # next links to another host
        self.rows = collections.defaultdict(list)
        self._links = {}
        self._numbers = itertools.count(1)
        self.routes = [
            self._route("pstn", "getPstnCalls"),
            self._route("direct_routing", "getDirectRoutingCalls"),
        ]

    def _route(self, endpoint, function):
        pattern = re.compile(re.escape(f"{_ROOT}/{function}")
                             + r"(?:\(|%28)(?P<window>.*)(?:\)|%29)")
        return Route(endpoint, "GET", pattern,
                     lambda request: self._answer(request, function), "pstn")

    # -- what tests use ----------------------------------------------------

    def add_pstn(self, tenant, begin, seconds=60, **changes):
        """A call over a calling plan; its row, which may be changed."""
        number, values = self._values(tenant, begin, seconds)
        return self._add("pstn", tenant, begin, {
            "callId": f"{number}_{values.randrange(1 << 30)}@192.0.2.7",
            "charge": values.randrange(1000) / 100,
            "connectionCharge": 0.0,
            "currency": "EUR",
            "callType": "user_out",
            "calleeNumber": f"+4930{2000000 + number}",
            "callerNumber": f"+4989{3000000 + number}",
            "usageCountryCode": "DE",
            "tenantCountryCode": "DE",
            "destinationContext": "Domestic",
            "destinationName": "Germany",
            "conferenceId": None,
            "licenseCapability": "MCOPSTN2",
            "inventoryType": "Subscriber",
            "operator": "Microsoft",
            "callDurationSource": values.choice(("microsoft", "operator")),
        }, number, seconds, changes)

    def add_direct_routing(self, tenant, begin, seconds=60, **changes):
        """A call over a trunk of the tenant's own."""
        number, values = self._values(tenant, begin, seconds)
        return self._add("direct_routing", tenant, begin, {
            "correlationId": guid("correlation", number),
            "inviteDateTime": instant_text(begin - 4, 3),
            "failureDateTime": NEVER,
            "callType": "ByotOut",
            "successfulCall": True,
            "callerNumber": "+4989300****",
            "calleeNumber": "+4930200****",
            "mediaPathLocation": "EUNO",
            "signalingLocation": "EUWE",
            "finalSipCode": 0,
            "callEndSubReason": 540000 + values.randrange(10),
            "finalSipCodePhrase": "BYE",
            "trunkFullyQualifiedDomainName": "sbc1.contoso.example",
            "mediaBypassEnabled": True,
        }, number, seconds, changes)

    # -- parts -------------------------------------------------------------

    def _values(self, tenant, begin, seconds):
        number = next(self._numbers)
        return number, random.Random(f"{number}/{begin}/{seconds}")

    def _add(self, endpoint, tenant, begin, members, number, seconds,
             changes):
        tenant_id = getattr(tenant, "tenant_id", tenant)
        who = number % PEOPLE
        row = {
            "id": guid(tenant_id, endpoint, number),
            "userId": guid("person", who),
            "userPrincipalName": f"person{who}@contoso.example",
            "userDisplayName": f"Person {who}",
            "startDateTime": instant_text(begin),
            "endDateTime": instant_text(begin + seconds),
            "duration": int(seconds),
            **members, **changes}
        self.rows[endpoint, tenant_id].append((round(begin, 6), row))
        return row

    def _answer(self, request, function):
        if ROLE not in request.token.roles:
            raise Refusal(403, "Forbidden", "")
        target = urllib.parse.unquote(request.target)
        if request.query:
            if target not in self._links:
                raise self._odd(request, "an option or link of its own")
            return self._page(request, *self._links[target])
        begin, end = self._window(request)
        rows = [row for at, row in
                self.rows[request.endpoint, request.tenant_id]
                if begin <= at and (at <= end if request.endpoint == "pstn"
                                    else at < end)]
        return self._page(request, function, rows, 0)

    def _odd(self, request, what):
        self.double.journal.complain(
            f"{request.endpoint}: {what}: {request.target}")
        return Refusal(400, "BadRequest", f"{what} is not supported.")

    def _window(self, request):
        found = _WINDOW.fullmatch(
            urllib.parse.unquote(request.parts["window"]))
        times = [read_instant(text + "T00:00:00Z" if _DATE.fullmatch(text)
                              else text) for text in found.groups()
                 ] if found else [None]
        if None in times or times[0] > times[1]:
            raise self._odd(request, "no window of time")
        if times[1] - times[0] > LONGEST_SECONDS:
            self.double.journal.complain(
                f"{request.endpoint}: more than 90 days: {request.target}")
            raise Refusal(406, "NotAcceptable", "90 days at most.")
        return times

    def _page(self, request, function, rows, start):
        shown = rows[start:start + self.page]
        content = {
            "@odata.context": f"{self.double.graph_url}/v1.0/$metadata"
                              f"#Collection(microsoft.graph.callRecords)",
            "@odata.count": len(shown),
            "value": shown,
        }
        if start + self.page < len(rows):
            target = (f"{_ROOT}/{function}({request.parts['window']})"
                      f"?$skip={start + self.page}")
            self._links[urllib.parse.unquote(target)] = (
                function, rows, start + self.page)
            host = (self.double.other_url if self.elsewhere
                    else self.double.graph_url)
            content["@odata.nextLink"] = host + target
        return Answer(200, json.dumps(content, ensure_ascii=False).encode(),
                      {"Content-Type": "application/json"})
