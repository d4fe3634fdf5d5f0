"""Call records made from a seed: the same seed, the same record.

The property tree is that of Graph's metadata; every property of it occurs in
a record of the shape "full"."""

import dataclasses
import random
import uuid

from .journal import instant_text

PEOPLE = 1000               # how many different users take part in calls
PREFIX = "#microsoft.graph.callRecords."

# Members that come only with Prefer: include-unknown-enum-members. Such a
# value is nowhere else in a record.
LATE_MEMBERS = ("azureCommunicationServices", "frequency77GHz")

_ENUMERATIONS = {
    "platform": "windows macOS iOS android web ipPhone roomSystem",
    "product": "teams skypeForBusiness",
    "stage": "callSetup midcall",
    "connection": "wired wifi mobile tunnel",
    "transport": "udp tcp",
    "band": "frequency24GHz frequency50GHz frequency60GHz",
    "radio": "wifi80211g wifi80211n wifi80211ac wifi80211ax",
    "rating": "notRated bad poor fair good excellent",
    "audio": "amrWide g722 opus satin satinFullband silkWide",
    "video": "av1 h264 h264uc rtVideo",
    "role": "mediaController mediationServer skypeForBusinessAutoAttendant "
            "skypeForBusinessCallQueues gateway customBot",
}
_ENUMERATIONS = {name: members.split()
                 for name, members in _ENUMERATIONS.items()}

# member:kind; a kind without a function of its own is an enumeration.
_CLASSES = {
    "participantEndpoint":
        "cpuName:text cpuCoresCount:count cpuProcessorSpeedInMhz:count",
    "clientUserAgent":
        "headerValue:text applicationVersion:text platform:platform "
        "productFamily:product azureADAppId:guid communicationServiceId:text",
    "serviceUserAgent": "headerValue:text applicationVersion:text role:role",
    "failureInfo": "stage:stage reason:text",
    "feedback": "rating:rating text:text tokens:tokens",
    "device":
        "captureDeviceName:text captureDeviceDriver:text "
        "renderDeviceName:text renderDeviceDriver:text "
        "howlingEventCount:count receivedNoiseLevel:level "
        "receivedSignalLevel:level sentNoiseLevel:level "
        "sentSignalLevel:level captureNotFunctioningEventRatio:single "
        "cpuInsufficentEventRatio:single deviceClippingEventRatio:single "
        "deviceGlitchEventRatio:single "
        "initialSignalLevelRootMeanSquare:single "
        "lowSpeechLevelEventRatio:single lowSpeechToNoiseEventRatio:single "
        "micGlitchRate:single renderMuteEventRatio:single "
        "renderNotFunctioningEventRatio:single "
        "renderZeroVolumeEventRatio:single speakerGlitchRate:single",
    "network":
        "connectionType:connection networkTransportProtocol:transport "
        "wifiBand:band wifiRadioType:radio ipAddress:address subnet:address "
        "macAddress:text dnsSuffix:text reflexiveIPAddress:address "
        "relayIPAddress:address basicServiceSetIdentifier:text port:port "
        "relayPort:port linkSpeed:big traceRouteHops:hops "
        "wifiBatteryCharge:percent wifiChannel:count "
        "wifiSignalStrength:percent wifiMicrosoftDriver:text "
        "wifiMicrosoftDriverVersion:text wifiVendorDriver:text "
        "wifiVendorDriverVersion:text bandwidthLowEventRatio:single "
        "delayEventRatio:single receivedQualityEventRatio:single "
        "sentQualityEventRatio:single",
    "stream":
        "audioCodec:audio videoCodec:video wasMediaBypassed:truth "
        "isAudioForwardErrorCorrectionUsed:truth packetUtilization:big "
        "averageBandwidthEstimate:big averageAudioNetworkJitter:duration "
        "maxAudioNetworkJitter:duration averageJitter:duration "
        "maxJitter:duration averageRoundTripTime:duration "
        "maxRoundTripTime:duration averageFreezeDuration:duration "
        "rmsFreezeDuration:duration averageAudioDegradation:single "
        "averagePacketLossRate:single maxPacketLossRate:single "
        "averageRatioOfConcealedSamples:single "
        "maxRatioOfConcealedSamples:single averageReceivedFrameRate:single "
        "averageVideoFrameLossPercentage:single averageVideoFrameRate:single "
        "averageVideoPacketLossRate:single lowFrameRateRatio:single "
        "lowVideoProcessingCapabilityRatio:single "
        "postForwardErrorCorrectionPacketLossRate:single",
}
_CLASSES = {name: [tuple(member.split(":")) for member in members.split()]
            for name, members in _CLASSES.items()}

_IDENTITIES = (
    "application", "device", "user", "applicationInstance",
    "assertedIdentity", "azureCommunicationServicesUser", "encrypted",
    "guest", "onPremises", "phone", "acsUser", "spoolUser",
    "acsApplicationInstance", "spoolApplicationInstance")


@dataclasses.dataclass(frozen=True)
class Shape:
    """How a record looks.

    form: "usual": some members are missing, some null; "full": every
    property of the tree is there; "bare": few properties; "old": the
    deprecated organizer and participants only; "nulls": as full, and every
    value is null; "empty": nothing but nulls at the top.
    late: with enumeration members that not every client is told of.
    unknown: each object has a member that no documentation tells of."""

    sessions: int = 1
    segments: int = 1           # of each session
    participants: int = 2
    media: int = 1              # of each segment
    streams: int = 2            # of each media
    form: str = "usual"
    late: bool = False
    unknown: bool = False


@dataclasses.dataclass
class Content:
    """A record in its parts, as JSON has them; pages are cut from it."""

    head: dict
    sessions: list
    participants: list


def guid(*parts):
    """The GUID of these words and numbers, always the same."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, "/".join(map(str, parts))))


class Maker:
    """The content of one version of one record."""

    def __init__(self, call_id, tenant_id, seed, shape, begin, seconds,
                 version, modified_at):
        self.call_id, self.tenant_id = call_id, tenant_id
        self.shape, self.version = shape, version
        self.begin, self.seconds = begin, seconds
        self.modified_at = modified_at
        self.random = random.Random(f"{seed}/{version}")
        self.full = shape.form in ("full", "nulls")
        self.old = shape.form == "old"

    def content(self):
        made = Content(
            self._head(),
            [self._session(number) for number in range(self.shape.sessions)],
            [self._participant(number)
             for number in range(self.shape.participants)])
        if self.old:
            made.head["organizer"] = self._identity_set(0)
            made.head["participants"] = [
                entry["identity"] for entry in made.participants[:130]]
            made.participants = []
        elif self.full:
            made.head["organizer"] = self._identity_set(0)
            made.head["participants"] = [self._identity_set(0)]
        if self.shape.unknown:
            for part in (made.head, made.sessions, made.participants):
                add_unknown(part)
        if self.shape.form == "nulls":
            made = Content(*map(without_values, (
                made.head, made.sessions, made.participants)))
        elif self.shape.form == "empty":
            made = Content(dict.fromkeys(made.head), [], [])
        return made

    # -- parts -------------------------------------------------------------

    def _head(self):
        meeting = self.shape.sessions > 1 or self.shape.participants > 2
        head = {
            "version": self.version,
            "type": "groupCall" if meeting else "peerToPeer",
            "modalities": ["audio", "video"] if meeting else ["audio"],
            "lastModifiedDateTime": instant_text(self.modified_at),
            "startDateTime": instant_text(self.begin),
            "endDateTime": instant_text(self.begin + self.seconds),
            "id": self.call_id,
            "joinWebUrl": "https://teams.microsoft.com/l/meetup-join/19%3a"
                          + self.call_id if meeting else "",
        }
        if not self.old:
            head["organizer_v2"] = self._participant(0)
        return head

    def _participant(self, number):
        # Two of a record may share an id.
        made = {"id": self._person(number - number % 10 // 9)["id"],
                "identity": self._identity_set(number)}
        if self.full:
            made["administrativeUnitInfos"] = [
                {"id": guid("unit", self._number(5))}]
        return made

    def _person(self, number):
        who = (int(self.call_id[:4], 16) + number) % PEOPLE
        return {"id": guid("person", who), "displayName": f"Person {who}",
                "tenantId": self.tenant_id,
                "userPrincipalName": f"person{who}@contoso.example"}

    def _identity_set(self, number):
        if self.full:
            made = {name: self._person(number + place)
                    for place, name in enumerate(_IDENTITIES)}
            return {"endpointType": "skypeForBusinessVoipPhone", **made}
        if number % 12 == 5:
            return {"user": None, "phone": {
                "id": f"+4930{1000000 + number}", "displayName": None}}
        if number % 12 == 7:
            return {"guest": {"id": f"teamsvisitor:{number:032x}",
                              "displayName": None}}
        return {"user": self._person(number), "phone": None, "guest": None}

    def _session(self, number):
        # An id may come several times (transfers).
        made = {
            "id": guid(self.call_id, "session", number - number % 10 // 9),
            "modalities": ["audio"],
            **self._span(),
            "isTest": False,
            "caller": self._endpoint(number),
            "callee": self._callee(number),
        }
        if self.full or self.random.random() < 0.1:
            made["failureInfo"] = self._filled("failureInfo")
        made["segments"] = [self._segment(number, segment)
                            for segment in range(self.shape.segments)]
        return made

    def _callee(self, number):
        if self.shape.sessions == 1 and not self.full:
            return self._endpoint(number + 1)
        return {"@odata.type": PREFIX + "serviceEndpoint",
                "userAgent": self._filled("serviceUserAgent", typed=True)}

    def _endpoint(self, number):
        made = {
            "@odata.type": PREFIX + "participantEndpoint",
            # Tells from which version a session comes.
            "name": f"machine{number}-v{self.version}",
            "userAgent": self._filled("clientUserAgent", typed=True),
            **self._filled("participantEndpoint"),
        }
        if self.shape.late:
            made["userAgent"]["productFamily"] = LATE_MEMBERS[0]
        if self.old or self.full:
            made["identity"] = self._identity_set(number)
        if not self.old:
            made["associatedIdentity"] = self._person(number)
        if self.full or self.random.random() < 0.2:
            made["feedback"] = self._filled("feedback")
        return made

    def _segment(self, session, number):
        made = {"id": guid(self.call_id, "segment", session, number),
                **self._span()}
        if self.full:
            made["caller"] = self._endpoint(session)
            made["callee"] = self._callee(session)
            made["failureInfo"] = self._filled("failureInfo")
        made["media"] = [self._media(media)
                         for media in range(self.shape.media)]
        return made

    def _media(self, number):
        made = {"label": ("main-audio", "main-video",
                          "applicationsharing-video")[number % 3]}
        for name, kind in (("callerDevice", "device"),
                           ("calleeDevice", "device"),
                           ("callerNetwork", "network"),
                           ("calleeNetwork", "network")):
            made[name] = self._filled(kind)
        if self.shape.late:
            made["callerNetwork"]["wifiBand"] = LATE_MEMBERS[1]
        made["streams"] = [self._stream(stream)
                           for stream in range(self.shape.streams)]
        return made

    def _stream(self, number):
        return {"streamId": str(self._number(1 << 31)),
                "streamDirection": ("callerToCallee",
                                    "calleeToCaller")[number % 2],
                **self._span(), **self._filled("stream")}

    def _span(self):
        begin = self.begin + self._number(max(int(self.seconds), 1))
        return {"startDateTime": instant_text(begin),
                "endDateTime": instant_text(self.begin + self.seconds)}

    # -- members -----------------------------------------------------------

    def _filled(self, name, typed=False):
        made = {"@odata.type": PREFIX + name} if typed else {}
        chance = {"bare": 0.1, "full": 1, "nulls": 1}.get(
            self.shape.form, 0.4)
        for member, kind in _CLASSES[name]:
            if self.random.random() < chance:
                null = not self.full and self.random.random() < 0.1
                made[member] = None if null else self._value(kind)
        return made

    def _value(self, kind):
        if kind in _ENUMERATIONS:
            return self.random.choice(_ENUMERATIONS[kind])
        return getattr(self, f"_a_{kind}")()

    def _number(self, below):
        # Not randrange(): that takes three times as long.
        return int(self.random.random() * below)

    def _a_text(self):
        return f"text {self._number(1000)} \u00e4\u2713 \"\\"

    def _a_guid(self):
        return guid(self._number(1000))

    def _a_truth(self):
        return self.random.random() < 0.5

    def _a_count(self):
        return self._number(64)

    def _a_level(self):
        return -self._number(100)

    def _a_percent(self):
        return self._number(101)

    def _a_port(self):
        return 1024 + self._number(60000)

    def _a_big(self):
        return self._number(1 << 40)

    def _a_single(self):
        return self._number(100000) / 1000

    def _a_duration(self):
        return f"PT{self._number(2000) / 1000}S"

    def _a_address(self):
        return f"10.{self._number(256)}.{self._number(256)}.2"

    def _a_hops(self):
        return [{"hopCount": hop, "ipAddress": self._a_address(),
                 "roundTripTime": self._a_duration()} for hop in (1, 2)]

    def _a_tokens(self):
        return {"NoSound": self._a_truth(), "DistortedSound": True}


def documented(sample, call_id, begin, seconds, version, modified_at):
    """A sample's content, for another call at another time."""
    head = {name: value for name, value in sample.items()
            if "@odata." not in name
            and name not in ("sessions", "participants_v2")}
    head.update({
        "id": call_id, "version": version,
        "startDateTime": instant_text(begin),
        "endDateTime": instant_text(begin + seconds),
        "lastModifiedDateTime": instant_text(modified_at)})
    return Content(head, sample.get("sessions", []),
                   sample.get("participants_v2", []))


def _each_object(part):
    if isinstance(part, dict):
        yield part
        part = list(part.values())
    if isinstance(part, list):
        for entry in part:
            yield from _each_object(entry)


def add_unknown(part):
    for found in list(_each_object(part)):
        found["newMember"] = {"inside": [1, "\u2713"]}


def without_values(part):
    """The same with null for each text, number and truth."""
    if isinstance(part, dict):
        return {name: value if name.startswith("@")
                else without_values(value) for name, value in part.items()}
    if isinstance(part, list):
        return [without_values(entry) for entry in part]
    return None


def without_nulls(part):
    if isinstance(part, dict):
        return {name: without_nulls(value) for name, value in part.items()
                if value is not None}
    if isinstance(part, list):
        return [without_nulls(entry) for entry in part]
    return part
