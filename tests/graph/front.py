"""From a request to its answer: route, identity, limits, faults, log."""

import dataclasses
import traceback
import uuid

from . import journal
from .web import Answer

_GRAPH_CODES = {
    400: "BadRequest", 401: "InvalidAuthenticationToken", 403: "Forbidden",
    404: "ResourceNotFound", 405: "BadRequest", 409: "Conflict",
    415: "UnsupportedMediaType", 429: "TooManyRequests",
    500: "InternalServerError", 502: "BadGateway",
    503: "serviceNotAvailable", 504: "GatewayTimeout",
}
_DIAGNOSTIC = ('{"ServerInfo":{"DataCenter":"North Europe","Slice":"E",'
               '"Ring":"4","ScaleUnit":"003","RoleInstance":"DB1"}}')


class Refusal(Exception):
    """Said by an endpoint instead of an answer.

    codes: numbers of the identity platform."""

    def __init__(self, status, code=None, message="", codes=(), headers=()):
        super().__init__(status, code, message)
        self.status, self.code, self.message = status, code, message
        self.codes, self.headers = codes, dict(headers)


@dataclasses.dataclass(frozen=True)
class Route:
    """endpoint: its name for faults and log. limit: a row of Limits."""

    endpoint: str
    method: str
    pattern: object             # a compiled expression, of the whole path
    work: object                # Request to Answer
    limit: str = ""


class Front:
    """One host. Its subclasses say who asks, and how an error looks."""

    def __init__(self, double, routes):
        self.double = double
        self.journal = double.journal
        self.routes = routes

    def introduce(self, request):
        raise NotImplementedError

    def check(self, request):
        raise NotImplementedError

    def error(self, request, status, code, message, codes=()):
        raise NotImplementedError

    def __call__(self, request):
        request.request_id = str(uuid.uuid4())
        route = self._route(request)
        self.introduce(request)
        entry = self.journal.begin(request)
        entry.fault = request.fault = self.double.faults.take(
            request.endpoint, request.tenant_id)
        answer = self._answer(request, route)
        self.journal.note_wait(request, answer)
        self._finish(request, answer)
        entry.status = 0 if answer.drop else answer.status
        return answer

    def _route(self, request):
        request.endpoint = "unknown"
        for route in self.routes:
            found = route.pattern.fullmatch(request.path)
            if found and route.method == request.method:
                request.endpoint = route.endpoint
                request.parts = found.groupdict()
                return route
        self.journal.complain(
            f"no such endpoint: {request.method} {request.path}")
        return None

    def _answer(self, request, route):
        def error(*arguments):
            return self.error(request, *arguments)

        self.journal.check_wait(request)
        seconds = self._throttled(request, route)
        if seconds:
            self.journal.complain(
                f"{request.tenant_id}: more than the limit of {route.limit}")
            answer = error(429, None, "Too many requests")
            answer.headers["Retry-After"] = str(seconds)
            return answer
        fault = request.fault
        answer = None
        if fault is None or fault.works:
            answer = self._work(request, route)
        if fault:
            answer = fault.spoil(answer, error, self.double.other_url,
                                 request.target)
        return answer

    def _throttled(self, request, route):
        if route is None or not request.tenant_id:
            return 0
        part = (request.parts.get("id") or request.parts.get("key")
                or request.endpoint)
        return self.double.limits.spend(route.limit, request.tenant_id,
                                        request.client_id, part)

    def _work(self, request, route):
        try:
            self.check(request)
            if route is None:
                raise Refusal(400, None,
                              "Resource not found for the segment.")
            return route.work(request)
        except Refusal as refusal:
            answer = self.error(request, refusal.status, refusal.code,
                                refusal.message, refusal.codes)
            answer.headers.update(refusal.headers)
            return answer
        except Exception:
            self.journal.complain("the double itself failed:\n"
                                  + traceback.format_exc())
            return self.error(request, 500, None, "")

    def _finish(self, request, answer):
        answer.headers.setdefault("Date", self.double.clock.http_date())
        answer.headers.setdefault("Cache-Control", "no-cache")


class LoginFront(Front):
    """The identity platform."""

    def introduce(self, request):
        request.tenant_id, request.client_id = \
            self.double.identity.asker(request)

    def check(self, request):
        self.journal.check_id(request, required=False)
        if "authorization" in request.headers:
            self.journal.complain("Authorization sent to the login host")

    def error(self, request, status, code, message, codes=()):
        if code is None:
            code = ("invalid_client" if status == 401 else
                    "invalid_request" if status < 429 else
                    "temporarily_unavailable")
        codes = list(codes) or [90033 if status >= 429 else 900144]
        at = journal.instant_text(self.double.clock.now(), 0)
        return Answer.of(status, {
            "error": code,
            "error_description":
                f"AADSTS{codes[0]}: {message} Trace ID: {request.request_id} "
                f"Timestamp: {at}",
            "error_codes": codes,
            "timestamp": at.replace("T", " "),
            "trace_id": request.request_id,
            "correlation_id": request.headers.get("client-request-id",
                                                  request.request_id),
        })

    def _finish(self, request, answer):
        super()._finish(request, answer)
        answer.headers["x-ms-request-id"] = request.request_id
        answer.headers["Cache-Control"] = "no-store, no-cache"


class GraphFront(Front):
    """Graph v1.0."""

    def introduce(self, request):
        request.token = self.double.identity.bearer(request)
        if request.token:
            request.tenant_id = request.token.tenant_id
            request.client_id = request.token.client_id

    def check(self, request):
        self.double.identity.check_token(request)

    def _answer(self, request, route):
        self.journal.check_id(request, required=True)
        return super()._answer(request, route)

    def error(self, request, status, code, message, codes=()):
        if code is None:
            code = _GRAPH_CODES.get(status, "UnknownError")
        return Answer.of(status, {"error": {
            "code": code,
            "message": message,
            "innerError": {
                "date": journal.instant_text(self.double.clock.now(), 0)[:-1],
                "request-id": request.request_id,
                "client-request-id": self._client_request_id(request),
            },
        }})

    @staticmethod
    def _client_request_id(request):
        return request.headers.get("client-request-id", request.request_id)

    def _finish(self, request, answer):
        super()._finish(request, answer)
        answer.headers["request-id"] = request.request_id
        answer.headers["client-request-id"] = self._client_request_id(request)
        answer.headers["x-ms-ags-diagnostic"] = _DIAGNOSTIC
