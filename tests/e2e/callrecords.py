"""Call records for the tests of the store: made, read in, and looked for.

The property tree is written down here a second time, from Graph's metadata,
so that a property that the schema misses is missed by a test."""

import copy
import datetime
import decimal
import itertools
import json
import re
import uuid

import servers
from servers import literal

TENANT = "dc368399-474c-4d40-900c-6265431fd81f"

# Kinds: s text, t time, d duration, i integer, f number, b boolean, a list of
# texts, j any JSON, n whole number of seconds; else the name of a class, with
# [] for a list of them.
TREE = {
    "callRecord": "version:i type:s modalities:a startDateTime:t "
    "endDateTime:t lastModifiedDateTime:t joinWebUrl:s "
    "organizer_v2:participant participants_v2:participant[] "
    "sessions:session[]",
    "participant": "id:s identity:identitySet administrativeUnitInfos:j",
    "identitySet": "endpointType:s user:identity",
    "identity": "id:s displayName:s tenantId:s userPrincipalName:s",
    "session": "id:s startDateTime:t endDateTime:t modalities:a isTest:b "
    "caller:endpoint callee:endpoint failureInfo:failureInfo "
    "segments:segment[]",
    "segment": "id:s startDateTime:t endDateTime:t caller:endpoint "
    "callee:endpoint failureInfo:failureInfo media:media[]",
    "endpoint": "name:s cpuName:s cpuCoresCount:i cpuProcessorSpeedInMhz:i "
    "userAgent:userAgent associatedIdentity:identity feedback:userFeedback",
    "userAgent": "headerValue:s applicationVersion:s platform:s "
    "productFamily:s azureADAppId:s communicationServiceId:s role:s",
    "failureInfo": "stage:s reason:s",
    "userFeedback": "rating:s text:s tokens:j",
    "media": "label:s callerDevice:deviceInfo calleeDevice:deviceInfo "
    "callerNetwork:networkInfo calleeNetwork:networkInfo "
    "streams:mediaStream[]",
    "deviceInfo": "captureDeviceName:s captureDeviceDriver:s "
    "renderDeviceName:s renderDeviceDriver:s howlingEventCount:i "
    "receivedNoiseLevel:i receivedSignalLevel:i sentNoiseLevel:i "
    "sentSignalLevel:i captureNotFunctioningEventRatio:f "
    "cpuInsufficentEventRatio:f deviceClippingEventRatio:f "
    "deviceGlitchEventRatio:f initialSignalLevelRootMeanSquare:f "
    "lowSpeechLevelEventRatio:f lowSpeechToNoiseEventRatio:f "
    "micGlitchRate:f renderMuteEventRatio:f renderNotFunctioningEventRatio:f "
    "renderZeroVolumeEventRatio:f speakerGlitchRate:f",
    "networkInfo": "connectionType:s networkTransportProtocol:s wifiBand:s "
    "wifiRadioType:s ipAddress:s subnet:s macAddress:s dnsSuffix:s "
    "reflexiveIPAddress:s relayIPAddress:s basicServiceSetIdentifier:s "
    "port:i relayPort:i linkSpeed:i traceRouteHops:j wifiBatteryCharge:i "
    "wifiChannel:i wifiSignalStrength:i wifiMicrosoftDriver:s "
    "wifiMicrosoftDriverVersion:s wifiVendorDriver:s "
    "wifiVendorDriverVersion:s bandwidthLowEventRatio:f delayEventRatio:f "
    "receivedQualityEventRatio:f sentQualityEventRatio:f",
    "mediaStream": "streamId:s streamDirection:s startDateTime:t "
    "endDateTime:t audioCodec:s videoCodec:s wasMediaBypassed:b "
    "isAudioForwardErrorCorrectionUsed:b packetUtilization:i "
    "averageBandwidthEstimate:i averageAudioNetworkJitter:d "
    "maxAudioNetworkJitter:d averageJitter:d maxJitter:d "
    "averageRoundTripTime:d maxRoundTripTime:d averageFreezeDuration:d "
    "rmsFreezeDuration:d averageAudioDegradation:f averagePacketLossRate:f "
    "maxPacketLossRate:f averageRatioOfConcealedSamples:f "
    "maxRatioOfConcealedSamples:f averageReceivedFrameRate:f "
    "averageVideoFrameLossPercentage:f averageVideoFrameRate:f "
    "averageVideoPacketLossRate:f lowFrameRateRatio:f "
    "lowVideoProcessingCapabilityRatio:f "
    "postForwardErrorCorrectionPacketLossRate:f",
    "pstnCallLogRow": "id:s callId:s userId:s userPrincipalName:s "
    "userDisplayName:s startDateTime:t endDateTime:t duration:n charge:f "
    "connectionCharge:f currency:s callType:s calleeNumber:s callerNumber:s "
    "usageCountryCode:s tenantCountryCode:s destinationContext:s "
    "destinationName:s conferenceId:s licenseCapability:s inventoryType:s "
    "operator:s callDurationSource:s",
    "directRoutingLogRow": "id:s correlationId:s userId:s "
    "userPrincipalName:s userDisplayName:s startDateTime:t inviteDateTime:t "
    "failureDateTime:t endDateTime:t duration:n callType:s successfulCall:b "
    "callerNumber:s calleeNumber:s mediaPathLocation:s signalingLocation:s "
    "finalSipCode:i callEndSubReason:i finalSipCodePhrase:s "
    "trunkFullyQualifiedDomainName:s mediaBypassEnabled:b",
}
TREE = {name: dict(part.split(":") for part in text.split())
        for name, text in TREE.items()}

# The classes whose objects have rows of their own, and their views.
VIEWS = {"callRecord": "call_records", "session": "sessions",
         "segment": "segments", "media": "media", "mediaStream": "streams",
         "participant[]": "participants", "userFeedback": "feedback"}


# --- Making records ---

def sample(name):
    return json.loads((servers.DATA / name).read_text())


def make(name, leaf, lists=2):
    """An object of a class; leaf(kind, member) makes the values."""
    made = {}
    for member, kind in TREE[name].items():
        if kind.endswith("[]"):
            made[member] = [make(kind[:-2], leaf, lists)
                            for _ in range(lists)]
        elif kind in TREE:
            made[member] = make(kind, leaf, lists)
        else:
            made[member] = leaf(kind, member)
    return made


def distinct_leaves():
    """Values that fit, no two of them alike (but for booleans)."""
    numbers = itertools.count(1)

    def leaf(kind, member):
        n = next(numbers)
        if member == "streamDirection":
            return ("callerToCallee", "calleeToCaller")[n % 2]
        return {"s": f"text {n}", "i": n, "n": n, "f": n + 0.5,
                "b": n % 2 == 0, "a": [f"item {n}", "audio"],
                "j": [{"id": f"any {n}"}], "d": f"PT{n}.{n % 1000:03}S",
                "t": f"2026-03-{n % 28 + 1:02}T{n % 24:02}:{n // 24 % 60:02}:"
                     f"{n % 60:02}.{n * 10 % 9999990 + 1:07}Z"}[kind]

    return leaf


def whole_record(call_id):
    """A record with every property set."""
    record = make("callRecord", distinct_leaves())
    return {**record, "id": call_id}


def small_record(call_id, **changes):
    return {"id": call_id, "version": 1, "type": "groupCall",
            "startDateTime": "2026-03-01T10:00:00Z",
            "endDateTime": "2026-03-01T10:00:25.5470124Z",
            "sessions": [], **changes}


# --- The store, as the renewer uses it ---

class Store:
    """The functions of the store, called by the renewer's role."""

    def __init__(self, database, tenant=TENANT):
        self.database, self.tenant = database, tenant

    def call(self, function, *arguments):
        """The rows of a function."""
        text = ", ".join(
            literal(json.dumps(a)) if isinstance(a, (dict, list))
            else literal(a) for a in arguments)
        return self.database.query(
            f"SELECT * FROM callhook_store.{function}({text})",
            "test_renewer")

    def value(self, function, *arguments):
        [row] = self.call(function, *arguments)
        [value] = row.values()
        return value

    def turn_reading_on(self):
        self.call("set_reading", self.tenant, True)

    def begin(self, call_id):
        """Claim a call, whatever is known of it; the reading's number."""
        self.call("want_calls", self.tenant, "{" + call_id + "}")
        for row in self.call("claim_calls", self.tenant, 1000):
            if row["call_id"] == call_id:
                return row["reading_no"]
        raise AssertionError("the call is not due")

    def page(self, call_id, reading, kind, number, body):
        return self.value("store_page", self.tenant, call_id, reading, kind,
                          number, body)

    def finish(self, call_id, reading):
        [row] = self.call("finish_records", self.tenant,
                          "{" + call_id + "}", "{%d}" % reading)
        return row["outcome"]

    def read(self, call_id, record, sessions=(), participants=()):
        """Read a record with further pages; what became of it."""
        reading = self.begin(call_id)
        assert self.page(call_id, reading, "record", 1, record)
        for number, page in enumerate(sessions, 1):
            self.page(call_id, reading, "sessions", number, page)
        for number, page in enumerate(participants, 1):
            self.page(call_id, reading, "participants_v2", number, page)
        return self.finish(call_id, reading)

    def view(self, name, condition="true", order="1"):
        return self.database.query(
            f"SELECT * FROM callhook.{name} WHERE {condition} "
            f"ORDER BY {order}", "test_reader")

    def row(self, name, condition="true"):
        [row] = self.view(name, condition)
        return row

    def known(self, call_id):
        return self.row("calls", f"call_id = '{call_id}'")

    def notify(self, call_id, received_at="now()", stored_at="now()",
               tenant=None):
        """A notification as the receiver's role cannot date it."""
        self.database.execute(notification(
            call_id, received_at, stored_at, tenant or self.tenant))

    def fold(self, batch=50000):
        return self.value("fold_notifications", batch)


def notification(call_id, received_at="now()", stored_at="now()",
                 tenant=TENANT):
    return f"""
        INSERT INTO callhook_store.notifications (notification_id,
            received_at, stored_at, tenant_id, change_type, call_id)
        VALUES (gen_random_uuid(), {received_at}, {stored_at}, '{tenant}',
            'updated', {literal(call_id)})"""


# --- Looking for every value ---

def snake_case(member):
    member = re.sub("([A-Z]+)([A-Z][a-z])", r"\1_\2", member)
    return re.sub("([a-z0-9])([A-Z])", r"\1_\2", member).lower()


def milliseconds(duration):
    found = re.fullmatch(r"PT(?:(\d+)M)?([\d.]+)S", duration)
    return float((int(found[1] or 0) * 60 + decimal.Decimal(found[2])) * 1000)


def moment(text):
    """A time, to the microsecond."""
    found = re.fullmatch(r"(.{19})(\.\d+)?(Z|[+-]..:..)", text)
    micros = round(decimal.Decimal(found[2] or 0) * 1000000)
    whole = datetime.datetime.fromisoformat(
        found[1] + found[3].replace("Z", "+00:00"))
    return whole + datetime.timedelta(microseconds=int(micros))


class Walk:
    """Every leaf of a record must be in the column that its path tells, or
    in extra at its path."""

    def __init__(self, store, call_id):
        self.rows = {view: {} for view in VIEWS.values()}
        for view, rows in self.rows.items():
            for row in store.view(view, f"call_id = '{call_id}'"):
                rows[self.keys(row)] = row
        self.leaves = 0
        self.visited = set()

    @staticmethod
    def keys(row):
        names = ("participant_no", "session_no", "segment_no", "media_no",
                 "stream_no", "side")
        return tuple(row[name] for name in names if name in row)

    def row(self, view, keys):
        self.visited.add((view, keys))
        return self.rows[view][keys]

    def record(self, record):
        self.object(record, "callRecord", self.row("call_records", ()), "",
                    ())
        for view, rows in self.rows.items():
            assert {keys for name, keys in self.visited if name == view} \
                == set(rows), f"{view} has rows that the record has not"

    def object(self, found, name, row, prefix, keys, path=()):
        """One object of a class, whose columns have a prefix."""
        for member, value in found.items():
            here = (*path, member)
            if value is None or re.search(
                    "@odata[.](context|nextLink|id)", member):
                continue
            if member == "@odata.type":
                if prefix + "type" in row:
                    assert row[prefix + "type"] == value.split(".")[-1]
                continue
            if name == "callRecord" and member == "id":
                assert row["call_id"] == value
                continue
            kind = TREE[name].get(member)
            if name == "callRecord" and member in ("organizer",
                                                   "participants"):
                self.older(member, value, row)
            elif kind is None:
                self.extra(row, here, value)
            elif kind.endswith("[]"):
                self.list(value, kind, keys)
            elif kind in ("identitySet", "identity"):
                self.identity(value, kind, row, prefix)
            elif kind == "userFeedback":
                self.feedback(value, prefix, keys)
            elif kind in TREE:
                self.object(value, kind, row, self.prefix(prefix, member),
                            keys, here)
            else:
                self.leaf(row, prefix, member, kind, value, here)

    @staticmethod
    def prefix(prefix, member):
        for side in ("caller", "callee"):
            if member in (side, side + "Device", side + "Network"):
                return side + "_"
        return {"userAgent": prefix + "user_agent_", "failureInfo": "failure_",
                "organizer_v2": "organizer_"}[member]

    def list(self, values, kind, keys):
        view = VIEWS.get(kind) or VIEWS[kind[:-2]]
        for number, value in enumerate(values, 1):
            inner = (*keys, number)
            self.object(value, kind[:-2], self.row(view, inner), "", inner)

    def identity(self, value, kind, row, prefix):
        columns = prefix + "identity_"
        rest = dict(row[prefix + "identity"] or {})
        if kind == "identitySet":
            value = {key: one for key, one in value.items() if one}
            self.same(row[columns + "endpoint_type"],
                      value.pop("endpointType", None))
            name = row[columns + "kind"]
            one = value.pop(name, {})
            left = rest.pop(name, {})
            assert value == rest
        else:
            one, left = value, rest.get("associatedIdentity", {})
        for member, column in (("id", "id"), ("displayName", "name"),
                               ("tenantId", "tenant_id"),
                               ("userPrincipalName", "user_principal_name")):
            self.same(row[columns + column], one.get(member))
        shown = TREE["identity"].keys() | {"@odata.type"}
        assert {key: value for key, value in one.items()
                if key not in shown and value is not None} == left

    def feedback(self, value, prefix, keys):
        segment = keys if len(keys) == 2 else (*keys, None)
        row = self.row("feedback", (*segment, prefix.rstrip("_")))
        self.object(value, "userFeedback", row, "", keys)

    def older(self, member, value, row):
        """The properties that the _v2 forms have replaced."""
        if member == "organizer":
            kind, one = next((k, v) for k, v in value.items() if v)
            assert row["organizer_identity_kind"] == kind
            self.same(row["organizer_identity_id"], one["id"])
        else:
            assert value == []

    def leaf(self, row, prefix, member, kind, value, path):
        column = prefix + snake_case(member)
        if kind == "d":
            self.same(row[column + "_ms"], milliseconds(value))
        elif kind == "n":
            self.same(row[column + "_seconds"], value)
        elif kind == "t":
            self.same(datetime.datetime.fromisoformat(row[column]),
                      moment(value))
        else:
            self.same(row[column], value)

    def extra(self, row, path, value):
        kept = row["extra"]
        for member in path:
            kept = kept[member]
        self.same(kept, value)

    def same(self, found, expected):
        assert found == expected
        self.leaves += 1


def leaves(value):
    """How many leaves JSON has that are not null and no annotations."""
    if isinstance(value, dict):
        return sum(leaves(one) for key, one in value.items()
                   if "@odata" not in key)
    if isinstance(value, list):
        return sum(leaves(one) for one in value)
    return value is not None


def copy_of(record, **changes):
    return {**copy.deepcopy(record), **changes}


def new_id():
    return str(uuid.uuid4())
