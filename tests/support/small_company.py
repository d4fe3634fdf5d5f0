"""A small company's calls in March 2026, and what is known of them.

What happened is decided first, in plain lists; records, logs and the answers
to sql/examples are all made from it. No answer is computed in SQL."""

import collections
import datetime
import random

from support.company import (BRIDGE, Party, graph_time, guid, media, moment,
                             phone, record, service, session, stream)
from support.record_store import TENANT

USERS = 9
RULES = {"NoAnswer": "missed", "Declined": "declined", "NoMedia": "failed"}
NUMBERS = [f"+4930555{n:05}" for n in range(3)]
BUILDINGS = {"10.1.0.0": ("North", "Floor 1"), "10.2.0.0": ("South", "Cellar")}

Sound = collections.namedtuple(
    "Sound", "day receiver jitter trip loss packets connection subnet device")
Leg = collections.namedtuple(
    "Leg", "call day party start seconds direction disposition peer kind "
    "stage reason rating heard")
Call = collections.namedtuple(
    "Call", "id day start seconds kind external disposition people queue "
    "wait agent")


class Company:
    def __init__(self, seed=1):
        self.chance = random.Random(seed)
        subnets = [*BUILDINGS, None]
        self.users = [Party(
            f"User{n}", platform=["windows", "macOS", "iOS"][n % 3],
            version=f"1.{n % 2}", subnet=subnets[n % 3],
            device=f"Device {'A' if n < 7 else n}",
            connection=["wired", "wifi"][n % 2]) for n in range(USERS)]
        self.guest = Party("Visitor", "guest")
        self.partner = Party("Partner", tenant=guid("a partner's tenant"))
        self.queues = [service("skypeForBusinessCallQueues", name)
                       for name in ("Sales", "Support")]
        self.records, self.calls, self.legs, self.sounds = [], [], [], []
        self.pstn, self.direct = [], []
        for number in range(70):
            day = f"2026-03-{1 + number % 9:02}"
            clock = f"{7 + number % 11:02}:{self.chance.randrange(60):02}:00"
            start = moment(day, clock)
            chosen = number % 7
            if chosen < 4:
                self.two(day, start)
            elif chosen < 6:
                self.meeting(day, start)
            else:
                self.queue_call(day, start)
        self.logs()

    # -- what happens --

    def quality(self):
        return dict(jitter=self.chance.choice([4, 12, 29, 31, 60]),
                    trip=self.chance.choice([20, 80, 600]),
                    loss=self.chance.choice([0.0, 0.02]),
                    packets=self.chance.choice([400, 3000, 5000]))

    def hear(self, day, one, other):
        """Both ways alike; how each party heard the other."""
        quality = self.quality()
        for receiver in (other, one):
            self.sounds.append(Sound(
                day, receiver, **quality, connection=receiver.connection,
                subnet=receiver.subnet, device=receiver.device))
        return media(one, other, stream(True, **quality),
                     stream(False, **quality)), verdict(self.sounds[-1])

    def file(self, made, call, legs):
        self.records.append(made)
        self.calls.append(call)
        self.legs += legs

    def two(self, day, start):
        one, other = self.chance.sample(self.users, 2)
        if self.chance.random() < 0.2:
            other = self.partner
        seconds = self.chance.randrange(20, 4000)
        reason = self.chance.choice([None, None, None, *RULES])
        rating = self.chance.choice([None, "good", "poor", "notRated"])
        heard, stage, sounds = None, None, []
        if reason:
            seconds, stage, rating = 15, "callSetup", None
        else:
            made, heard = self.hear(day, one, other)
            sounds = [made]
            if self.chance.random() < 0.2:
                stage, reason = "midcall", "NetworkLost"
        made = record([session(one, other, start, seconds, *sounds,
                               stage=stage, reason=reason, rating=rating)],
                      one)
        what = RULES.get(reason, "answered")
        rest = (what, "peer_to_peer", stage, reason)
        self.file(made, Call(
            made["id"], day, start, seconds, "peer_to_peer",
            other is self.partner, what, 2, None, None, None), [
            Leg(made["id"], day, one, start, seconds, "out", what, other,
                *rest[1:], None if rating == "notRated" else rating, heard),
            Leg(made["id"], day, other, start, seconds, "in", what, one,
                *rest[1:], None, heard)])

    def meeting(self, day, start):
        people = self.chance.sample(self.users, self.chance.randrange(1, 8))
        if self.chance.random() < 0.4:
            people.append(self.guest)
        sessions, legs = [], []
        for party in people:
            late = self.chance.randrange(0, 120)
            seconds = self.chance.randrange(200, 3000)
            joined = start + datetime.timedelta(seconds=late)
            made, heard = self.hear(day, party, BRIDGE)
            sessions.append(session(party, BRIDGE, joined, seconds, made))
            legs.append(Leg(None, day, party, joined, seconds, "meeting",
                            "answered", people[0], "meeting", None, None,
                            None, heard))
        made = record(sessions, people[0], "groupCall")
        begins = min(leg.start for leg in legs)
        ends = max(end_of(leg) for leg in legs)
        self.file(made, Call(
            made["id"], day, begins, int((ends - begins).total_seconds()),
            "meeting", self.guest in people, "answered", len(people), None,
            None, None), [leg._replace(call=made["id"]) for leg in legs])

    def queue_call(self, day, start):
        caller, queue = phone(self.chance.choice(NUMBERS)), \
            self.chance.choice(self.queues)
        deaf, agent = self.chance.sample(self.users, 2)
        wait = self.chance.randrange(5, 90)
        answered = self.chance.random() < 0.6
        sessions = [session(caller, queue, start, wait + 60)]
        rang = start + datetime.timedelta(seconds=5)
        sessions.append(session(queue, deaf, rang, 5, stage="callSetup",
                                reason="NoAnswer"))
        legs = [Leg(None, day, caller, start, wait + 60, "out",
                    "answered" if answered else "missed",
                    agent if answered else None, "phone", None, None, None,
                    None),
                Leg(None, day, deaf, rang, 5, "in",
                    "unknown" if answered else "missed", caller, "phone",
                    "callSetup", "NoAnswer", None, None)]
        if answered:
            took = start + datetime.timedelta(seconds=wait)
            made, heard = self.hear(day, queue, agent)
            # The last sound is the queue's; the agent heard the same.
            sessions.append(session(queue, agent, took, 60, made))
            legs.append(Leg(None, day, agent, took, 60, "in", "answered",
                            caller, "phone", None, None, None, heard))
        made = record(sessions, caller, "groupCall")
        self.file(made, Call(
            made["id"], day, start, wait + 60, "phone", True,
            "answered" if answered else "missed", len(legs), queue.name,
            wait if answered else wait + 60, agent if answered else None),
            [leg._replace(call=made["id"]) for leg in legs])

    def logs(self):
        """By night, when no record is near."""
        for number in range(12):
            user = self.users[number % 4]
            start = moment(f"2026-03-{1 + number % 5:02}", "03:00:00",
                           number * 60)
            row = {"id": f"log {number}", "userId": user.id,
                   "userDisplayName": user.name,
                   "userPrincipalName": user.principal_name,
                   "startDateTime": graph_time(start),
                   "endDateTime": graph_time(start + datetime.timedelta(
                       seconds=30 * number)),
                   "duration": 30 * number, "callerNumber": "+4930100",
                   "calleeNumber": NUMBERS[1]}
            if number % 2:
                self.pstn.append({**row, "charge": number * 0.25,
                                  "currency": "EUR", "callType": "user_out",
                                  "destinationName": ["Germany", "France"]
                                  [number % 3 == 0]})
            else:
                self.direct.append({
                    **row, "callType": "ByotOut", "successfulCall": number > 4,
                    "finalSipCode": 0 if number > 4 else 480 + number * 3,
                    "trunkFullyQualifiedDomainName": "sbc.example"})

    def department(self, party):
        if party not in self.users:
            return None
        return ["Sales", "Works"][self.users.index(party) % 2]


def end_of(leg):
    return leg.start + datetime.timedelta(seconds=leg.seconds)


def verdict(sound):
    if sound.packets <= 500:
        return "unclassified"
    bad = sound.jitter > 30 or sound.trip > 500 or sound.loss > 0.1
    return "poor" if bad else "good"


__all__ = ["BUILDINGS", "Company", "NUMBERS", "RULES", "TENANT", "end_of",
           "verdict"]
