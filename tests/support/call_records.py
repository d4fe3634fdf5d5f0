"""Call records for the tests of the store: what they consist of, and some.

The property tree is written down here a second time, from Graph's metadata,
so that a property that the schema misses is missed by a test."""

import copy
import itertools
import json
import uuid

from support.project import DATA

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


def sample(name):
    return json.loads((DATA / name).read_text())


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
