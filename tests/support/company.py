"""Call records of a made-up company, as Graph would send them, in few words."""

import datetime
import json
import uuid

from support.database import literal
from support.record_store import TENANT

NAMES = uuid.UUID("5b0cb7d0-51d1-4a1e-9a0e-0d7f4b9d2c11")
UTC = datetime.timezone.utc


def guid(text):
    """The same id for the same text, at each run."""
    return str(uuid.uuid5(NAMES, text))


def moment(day, clock="10:00:00", seconds=0):
    whole = datetime.datetime.fromisoformat(f"{day}T{clock}+00:00")
    return whole + datetime.timedelta(seconds=seconds)


def graph_time(when):
    return when.strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


class Party:
    """A user, guest, phone or service: one side of a session."""

    def __init__(self, name, kind="user", tenant=TENANT, role=None,
                 platform="windows", version="1.5", subnet=None, device=None,
                 connection="wired", number=None):
        self.name, self.kind, self.tenant = name, kind, tenant
        self.id = number or guid(name)
        self.role, self.platform, self.version = role, platform, version
        self.subnet, self.connection = subnet, connection
        self.device = device or "Headset A"

    @property
    def principal_name(self):
        return self.name.lower() + "@contoso.example"

    def identity(self):
        made = {"id": self.id, "displayName": self.name}
        if self.kind == "user":
            made |= {"tenantId": self.tenant,
                     "userPrincipalName": self.principal_name}
        return {self.kind: made}

    def endpoint(self, rating=None):
        client = self.role is None
        made = {
            "@odata.type": "#microsoft.graph.callRecords."
            + ("participantEndpoint" if client else "serviceEndpoint"),
            "identity": self.identity(),
            "userAgent": {
                "@odata.type": "#microsoft.graph.callRecords."
                + ("clientUserAgent" if client else "serviceUserAgent")}}
        made["userAgent"] |= (
            {"platform": self.platform, "applicationVersion": self.version}
            if client else {"role": self.role})
        if rating:
            made["feedback"] = {"rating": rating}
        return made


def phone(number):
    return Party(number, "phone", role="gateway", number=number)


def service(role, name=None):
    return Party(name or role, "applicationInstance", role=role)


BRIDGE = service("skypeForBusinessAudioVideoMcu")
VOICEMAIL = service("voicemail")


def stream(forth=True, packets=1000, jitter=5, trip=20, loss=0.01, seconds=60,
           start=None, **more):
    made = {"streamId": "1", "packetUtilization": packets, **more,
            "streamDirection": "callerToCallee" if forth else "calleeToCaller"}
    if jitter is not None:
        made["averageJitter"] = f"PT{jitter / 1000:.3f}S"
    if trip is not None:
        made["averageRoundTripTime"] = f"PT{trip / 1000:.3f}S"
    if loss is not None:
        made["averagePacketLossRate"] = loss
    if start:
        made |= {"startDateTime": graph_time(start), "endDateTime": graph_time(
            start + datetime.timedelta(seconds=seconds))}
    return made


def side(party, letter):
    return {
        f"{letter}Device": {"captureDeviceName": party.device,
                            "renderDeviceName": party.device},
        f"{letter}Network": {"subnet": party.subnet,
                             "connectionType": party.connection,
                             "networkTransportProtocol": "udp"}}


def media(caller, callee, *streams, label="main-audio"):
    return {"label": label, **side(caller, "caller"), **side(callee, "callee"),
            "streams": list(streams)}


def session(caller, callee, start, seconds, *medias, stage=None, reason=None,
            rating=None, callee_rating=None, test=False,
            modalities=("audio",)):
    """medias: of its one segment; none: nothing was heard."""
    end = start + datetime.timedelta(seconds=seconds)
    made = {"id": str(uuid.uuid4()), "modalities": list(modalities),
            "startDateTime": graph_time(start),
            "endDateTime": graph_time(end), "isTest": test,
            "caller": caller.endpoint(rating),
            "callee": callee.endpoint(callee_rating)}
    if stage:
        made["failureInfo"] = {"stage": stage, "reason": reason}
    made["segments"] = [{
        "id": str(uuid.uuid4()), "startDateTime": graph_time(start),
        "endDateTime": graph_time(end), "caller": caller.endpoint(),
        "callee": callee.endpoint(), "media": list(medias)}]
    return made


def talk(caller, callee, **quality):
    """Audio both ways."""
    return media(caller, callee, stream(True, **quality),
                 stream(False, **quality))


def record(sessions, organizer, kind="peerToPeer", version=1, call_id=None,
           start=None, participants=()):
    starts = [s["startDateTime"] for s in sessions] \
        or [graph_time(start)]
    ends = [s["endDateTime"] for s in sessions] or [graph_time(start)]
    return {"id": call_id or str(uuid.uuid4()), "version": version,
            "type": kind, "modalities": ["audio"],
            "startDateTime": min(starts), "endDateTime": max(ends),
            "organizer_v2": {"id": organizer.id,
                             "identity": organizer.identity()},
            "participants_v2": [{"id": p.id, "identity": p.identity()}
                                for p in participants],
            "sessions": sessions}


def reading(made, tenant=TENANT):
    """The renewer's reading of a record of one page, as one statement that
    returns what became of it."""
    call = made["id"]
    return f"""
        SELECT t.outcome
        FROM (SELECT callhook_store.want_calls('{tenant}', '{{{call}}}')
              OFFSET 0) AS w
        CROSS JOIN LATERAL callhook_store.claim_calls(
            '{tenant}', 1, CASE WHEN w IS NOT NULL
                                THEN '{{{call}}}'::uuid[] END) AS c
        CROSS JOIN LATERAL callhook_store.take_pages(
            '{tenant}', json_build_array(json_build_array(
                c.call_id, c.reading_no, 'record', 1, false)),
            {literal(json.dumps(made))}) AS t"""


def work_off(database):
    """Make the figures of all dirty days and months, as a run does."""
    for name in ("day", "month"):
        at = ("infinity", "ffffffff-ffff-ffff-ffff-ffffffffffff")
        while at:
            found = database.query(
                f"SELECT * FROM callhook_store.refresh_{name}"
                f"('{at[0]}', '{at[1]}')", "test_renewer")
            at = found and (found[0][f"done_{name}"], found[0]["done_tenant"])
