"""The identity platform: applications, their proofs, and tokens."""

import base64
import dataclasses
import hashlib
import hmac
import json
import pathlib
import re
import secrets
import threading
import urllib.parse
import uuid

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from .front import Refusal, Route
from .journal import GUID
from .web import Answer

SCOPE = "https://graph.microsoft.com/.default"
ROLE = "CallRecords.Read.All"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FORM_TYPE = "application/x-www-form-urlencoded"
PARAMETERS = {"client_id", "scope", "grant_type", "client_secret",
              "client_assertion_type", "client_assertion"}

_PAIR = re.compile(r"([a-z_]+)=((?:[A-Za-z0-9*._~+-]|%[0-9A-Fa-f]{2})*)")
_TOKEN_PATH = re.compile(r"/(?P<tenant>[^/]+)/oauth2/v2\.0/token")
_ON_ITS_WAY_SECONDS = 5         # a request sent before the refusal


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclasses.dataclass
class Application:
    """An application in a tenant; `roles` go into each new token."""

    tenant_id: str
    client_id: str
    secret: str
    keys: dict                  # x5t#S256 to public key
    roles: tuple
    scope: str


@dataclasses.dataclass
class Token:
    tenant_id: str
    client_id: str
    roles: tuple
    expires_at: float
    revoked: bool = False
    refused_at: float = None    # by the double's clock: the first time


def strict_form(body):
    """A form of pairs, each once; ValueError if it is not quite that."""
    found = {}
    for pair in body.decode("ascii").split("&"):
        match = _PAIR.fullmatch(pair)
        if not match or match[1] in found:
            raise ValueError("no form, or a parameter twice")
        found[match[1]] = urllib.parse.unquote_plus(match[2],
                                                    errors="strict")
    return found


def refuse_client(number, message):
    return Refusal(401, "invalid_client", message, [number])


class Identity:
    """double.identity."""

    def __init__(self, double):
        self.double = double
        self.token_seconds = 3599
        self.skew_seconds = 0   # how far an assertion's times may be off
        self.applications = {}
        self.tokens = {}
        self.secrets = set()    # that must not appear anywhere
        self._tenants = set()
        self._used_ids = set()
        self._lock = threading.Lock()
        self.routes = [Route("token", "POST", _TOKEN_PATH, self.token)]

    def register(self, tenant_id, client_id, secret, certificate, roles,
                 scope):
        keys = {}
        if certificate:
            if not isinstance(certificate, bytes):
                certificate = pathlib.Path(certificate).read_bytes()
            read = x509.load_pem_x509_certificate(certificate)
            thumbprint = base64url(read.fingerprint(hashes.SHA256()))
            keys[thumbprint] = read.public_key()
        made = Application(tenant_id, client_id, secret, keys, tuple(roles),
                           scope)
        self.applications[tenant_id, client_id] = made
        self._tenants.add(tenant_id)
        if secret:
            self.secrets.add(secret)
        return made

    # -- what Graph asks ---------------------------------------------------

    def bearer(self, request):
        """The token of a request, good or not; None if we never made it."""
        kind, _, text = request.headers.get("authorization",
                                            "").partition(" ")
        return self.tokens.get(text) if kind == "Bearer" else None

    def check_token(self, request):
        def refuse(message):
            return Refusal(401, "InvalidAuthenticationToken", message,
                           headers={"WWW-Authenticate": 'Bearer realm=""'})

        token = request.token
        now = self.double.clock.now()
        if "authorization" not in request.headers:
            self.double.journal.complain("a request without a token")
            raise refuse("Access token is empty.")
        if token is None:
            raise refuse("CompactToken parsing failed with error code: "
                         "80049217")
        if token.expires_at > now and not token.revoked:
            return
        if token.refused_at is None:
            token.refused_at = now
        elif now - token.refused_at > _ON_ITS_WAY_SECONDS:
            self.double.journal.complain(
                f"{token.tenant_id}: a token that was refused before")
        raise refuse("Access token has expired or is not yet valid.")

    def revoke(self, tenant_id=None):
        for token in list(self.tokens.values()):
            if tenant_id in (None, token.tenant_id):
                token.revoked = True

    # -- the token endpoint ------------------------------------------------

    @staticmethod
    def asker(request):
        """(tenant, client) as the request itself says, for the log."""
        form = urllib.parse.parse_qs(request.body.decode("latin-1"))
        return (request.parts.get("tenant", ""),
                form.get("client_id", [""])[0])

    def token(self, request):
        form = self._form(request)
        application = self._application(request, form)
        if "client_secret" in form:
            self._check_secret(application, form)
        else:
            self._check_assertion(application, form)
        return self._issue(application, request.fault)

    def _form(self, request):
        def complain(text):
            self.double.journal.complain(f"token: {text}")
            return Refusal(400, "invalid_request", text, [900144])

        if request.content_type != FORM_TYPE or request.query:
            raise complain("not a form")
        try:
            form = strict_form(request.body)
        except ValueError as trouble:
            raise complain(str(trouble)) from None
        if form.keys() - PARAMETERS:
            raise complain("unknown parameters")
        return form

    def _application(self, request, form):
        tenant = request.parts["tenant"]
        if tenant in ("common", "consumers", "organizations"):
            raise Refusal(400, "invalid_request", "Not for this grant.",
                          [9001023])
        if tenant not in self._tenants:
            raise Refusal(400, "invalid_request", "Tenant not found.",
                          [90002])
        if form.get("grant_type") != "client_credentials":
            raise Refusal(400, "unsupported_grant_type", "grant_type",
                          [70003])
        application = self.applications.get((tenant, form.get("client_id")))
        if application is None:
            raise Refusal(400, "unauthorized_client",
                          "Application not found in the directory.", [700016])
        if form.get("scope") != application.scope:
            raise Refusal(400, "invalid_scope", "The scope is not valid.",
                          [70011])
        if ("client_secret" in form) == ("client_assertion" in form):
            raise refuse_client(7000218, "A secret or an assertion.")
        return application

    @staticmethod
    def _check_secret(application, form):
        if "client_assertion_type" in form:
            raise Refusal(400, "invalid_request", "A type only.", [900144])
        given = form["client_secret"].encode()
        if application.secret is None or not hmac.compare_digest(
                given, application.secret.encode()):
            raise refuse_client(7000215, "Invalid client secret provided.")

    def _check_assertion(self, application, form):
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise Refusal(400, "invalid_request", "client_assertion_type",
                          [900144])
        text = form["client_assertion"]
        self.secrets.add(text)
        claims = self._signed_claims(application, text)
        client_id = application.client_id
        if claims.get("iss") != client_id or claims.get("sub") != client_id:
            raise refuse_client(50027, "iss and sub are not the client.")
        url = (f"{self.double.login_url}/{application.tenant_id}"
               "/oauth2/v2.0/token")
        if claims.get("aud") != url:
            raise refuse_client(700023, "The audience does not match.")
        self._check_times(claims)
        self._check_used(claims)

    @staticmethod
    def _signed_claims(application, text):
        try:
            header = jwt.get_unverified_header(text)
        except jwt.InvalidTokenError:
            raise refuse_client(50027, "Invalid JWT token.") from None
        if header.get("alg") != "PS256" or header.get("typ") != "JWT":
            raise refuse_client(50027, "alg and typ must be PS256, JWT.")
        key = application.keys.get(header.get("x5t#S256"))
        if key is None:
            raise refuse_client(700027, "The certificate is not registered.")
        try:
            # Times and audience are checked by the double's own clock.
            return jwt.decode(text, key, ["PS256"], options={
                "verify_exp": False, "verify_nbf": False,
                "verify_iat": False, "verify_aud": False})
        except jwt.InvalidTokenError:
            raise refuse_client(700027, "The signature is wrong.") from None

    def _check_times(self, claims):
        now = self.double.clock.now()
        begin, end = claims.get("nbf"), claims.get("exp")
        if not isinstance(begin, int) or not isinstance(end, int):
            raise refuse_client(50027, "nbf and exp must be there.")
        if not 300 <= end - begin <= 600:
            self.double.journal.complain("an assertion that is good for "
                                         f"{end - begin} s")
            raise refuse_client(700024, "The lifetime is not 5 to 10 min.")
        skew = self.skew_seconds
        if begin > now + skew or end <= now - skew:
            raise refuse_client(700024, "Not within its valid time range.")

    def _check_used(self, claims):
        given = claims.get("jti")
        if not isinstance(given, str) or not GUID.fullmatch(given):
            raise refuse_client(50027, "jti must be a GUID.")
        with self._lock:
            known = given in self._used_ids
            self._used_ids.add(given)
        if known:
            self.double.journal.complain("an assertion was used twice")
            raise refuse_client(50027, "jti was seen before.")

    def _issue(self, application, fault):
        now = self.double.clock.now()
        roles = application.roles
        if fault and fault.roles is not None:
            roles = tuple(fault.roles)
        expires_at = now + self.token_seconds
        text = token_text(application, roles, now, expires_at)
        self.tokens[text] = Token(application.tenant_id,
                                  application.client_id, roles, expires_at)
        self.secrets.add(text)
        return Answer.of(200, {
            "token_type": "Bearer",
            "expires_in": self.token_seconds,
            "ext_expires_in": self.token_seconds,
            "access_token": text,
        })


def token_text(application, roles, now, expires_at):
    """Looks like the real one; no roles: no such claim."""
    audience = application.scope.removesuffix("/.default")
    claims = {
        "aud": audience,
        "iss": f"https://sts.windows.net/{application.tenant_id}/",
        "iat": int(now), "nbf": int(now), "exp": int(expires_at),
        "app_displayname": "callhook", "appid": application.client_id,
        "appidacr": "2" if application.keys else "1", "idtyp": "app",
        "oid": str(uuid.uuid5(uuid.NAMESPACE_OID, application.client_id)),
        "roles": list(roles), "tid": application.tenant_id,
        "uti": secrets.token_urlsafe(16), "ver": "1.0",
    }
    if not roles:
        del claims["roles"]
    header = {"typ": "JWT", "alg": "RS256",
              "kid": base64url(hashlib.sha1(audience.encode()).digest())}
    parts = [base64url(json.dumps(part).encode()) for part in
             (header, claims)]
    return ".".join(parts + [base64url(secrets.token_bytes(256))])
