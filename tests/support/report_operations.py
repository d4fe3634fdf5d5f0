"""Random operations on a store of records, and readers who look on.

What happens to a store in years, in any order: records that are new, newer,
older or late, that are removed, persons who are forgotten, rows of phone
logs, changed rules, other buildings. All the time somebody makes the figures
of dirty days, as the renewer does, and readers compare sums."""

import random
import threading

import psycopg2

from support.call_records import new_id
from support.company import (BRIDGE, Party, guid, moment, phone, reading,
                             record, service, session, talk)
from support.record_store import TENANT
from support.service import Trouble

DAYS = [f"2026-03-{n:02}" for n in range(1, 8)]
CALLS_AT_ONCE = 60
RARELY = 100
PEOPLE = 12
PHONE = phone("+493012345678")
QUEUE = service("skypeForBusinessCallQueues", "Support")

# Each compares sums that one statement takes from figures, which are partly of
# days made and partly of facts, with those of the facts alone, and these with
# those of the records. A row is a difference.
CALLS_AND_PEOPLE = """
    SELECT 'calls' AS what, day, f.n AS figures, d.n AS facts
    FROM (SELECT day, sum(calls) AS n FROM callhook.calls_by_hour
          GROUP BY day) AS f
    FULL JOIN (SELECT day, count(*) AS n FROM (
                   SELECT day FROM callhook_store.report_calls
                   WHERE NOT is_test
                   UNION ALL
                   SELECT day FROM callhook_store.report_phones
                   WHERE call_id IS NULL) AS c
               GROUP BY day) AS d USING (day)
    WHERE f.n IS DISTINCT FROM d.n
    UNION ALL
    SELECT 'minutes of persons', day, f.n, d.n
    FROM (SELECT day, sum(seconds) AS n FROM callhook.people_by_day
          GROUP BY day) AS f
    FULL JOIN (SELECT day, coalesce(sum(duration_seconds), 0) AS n
               FROM callhook.cdr WHERE NOT is_test GROUP BY day) AS d
        USING (day)
    WHERE f.n IS DISTINCT FROM d.n
    UNION ALL
    SELECT 'people of calls', NULL, r.people, l.legs
    FROM (SELECT sum(people) AS people
          FROM callhook_store.report_calls) AS r,
         (SELECT count(*) AS legs FROM callhook_store.report_legs) AS l
    WHERE coalesce(r.people, 0) <> l.legs
    UNION ALL
    SELECT 'records', NULL, r.n, f.n
    FROM (SELECT count(*) AS n FROM callhook_store.call_records) AS r,
         (SELECT count(*) AS n FROM callhook_store.report_calls) AS f
    WHERE r.n <> f.n
    UNION ALL
    SELECT 'failures of calls', day, c.n, l.n
    FROM (SELECT day, coalesce(failures[i][1], 0) AS stage_no,
                 coalesce(failures[i][2], 0) AS reason_no, count(*) AS n
          FROM callhook_store.report_calls,
               generate_subscripts(failures, 1) AS i GROUP BY 1, 2, 3) AS c
    FULL JOIN (SELECT day, coalesce(stage_no, 0) AS stage_no,
                      coalesce(reason_no, 0) AS reason_no,
                      count(DISTINCT call_id) AS n
               FROM callhook_store.report_legs
               WHERE stage_no IS NOT NULL OR reason_no IS NOT NULL
               GROUP BY 1, 2, 3) AS l USING (day, stage_no, reason_no)
    WHERE c.n IS DISTINCT FROM l.n"""
STREAMS = """
    SELECT 'streams' AS what, day, f.n AS figures, d.n AS facts
    FROM (SELECT day, media, kind, sum(streams) AS n, sum(poor) AS poor
          FROM callhook.quality_by_day GROUP BY day, media, kind) AS f
    FULL JOIN (SELECT day, media, kind, count(*) AS n,
                      count(*) FILTER (WHERE verdict = 'poor') AS poor
               FROM callhook.stream_quality WHERE NOT is_test
               GROUP BY day, media, kind) AS d USING (day, media, kind)
    WHERE (f.n, f.poor) IS DISTINCT FROM (d.n, d.poor)
    UNION ALL
    SELECT 'streams of records', NULL, r.n, f.n
    FROM (SELECT count(*) AS n FROM callhook_store.streams) AS r,
         (SELECT count(*) AS n FROM callhook_store.report_streams) AS f
    WHERE r.n <> f.n
    UNION ALL
    SELECT 'poor audio of calls', day, coalesce(c.poor, 0), coalesce(s.poor, 0)
    FROM (SELECT day, sum(audio_classified) AS classified,
                 sum(audio_poor) AS poor
          FROM callhook_store.report_calls GROUP BY day) AS c
    FULL JOIN (SELECT day, count(*) AS classified,
                      count(*) FILTER (WHERE verdict = 'p') AS poor
               FROM callhook_store.report_streams
               WHERE media = 'a' AND verdict <> 'u' GROUP BY day) AS s
        USING (day)
    WHERE (coalesce(c.classified, 0), coalesce(c.poor, 0))
          <> (coalesce(s.classified, 0), coalesce(s.poor, 0))
    UNION ALL
    SELECT 'kinds', day, k.poor, s.poor
    FROM (SELECT day, sum(audio_poor) AS poor
          FROM callhook_store.now_kinds GROUP BY day) AS k
    FULL JOIN (SELECT day, sum(poor) AS poor FROM callhook_store.now_networks
               WHERE media = 'a' GROUP BY day) AS s USING (day)
    WHERE coalesce(k.poor, 0) <> coalesce(s.poor, 0)"""


def connect(database, user="postgres"):
    made = psycopg2.connect(host=str(database.cluster.home), user=user,
                            dbname=database.name)
    made.autocommit = True
    return made.cursor()


def a_call(chance, day, call_id, version):
    """A call of any kind."""
    people = [Party(f"P{n}", subnet=f"10.0.{n % 4}.0",
                    device=f"Device {n % 3}") for n in range(PEOPLE)]
    one, other = chance.sample(people, 2)
    start = moment(day, f"{chance.randrange(24):02}:{chance.randrange(60):02}"
                   ":00")
    quality = {"jitter": chance.choice([5, 25, 40]),
               "packets": chance.choice([100, 2000])}
    kind = chance.randrange(5)
    if kind == 0:
        sessions = [session(p, BRIDGE, start, chance.randrange(10, 9000),
                            talk(p, BRIDGE, **quality))
                    for p in chance.sample(people, chance.randrange(1, 8))]
        return record(sessions, one, "groupCall", version, call_id)
    if kind == 1:
        sessions = [session(PHONE, QUEUE, start, 99, talk(PHONE, QUEUE))]
        sessions += [session(QUEUE, p, start, 30, *chance.choice(
            [(), (talk(QUEUE, p, **quality),)])) for p in (one, other)]
        return record(sessions, PHONE, "groupCall", version, call_id)
    if kind == 2:
        return record([session(one, PHONE, start, 60,
                               talk(one, PHONE, **quality))], one,
                      version=version, call_id=call_id)
    failed = kind == 3
    return record([session(
        one, other, start, chance.randrange(1, 90000),
        *(() if failed else (talk(one, other, **quality),)),
        stage="callSetup" if failed else None,
        reason=chance.choice(["Busy", "NoAnswer"]) if failed else None,
        rating=chance.choice([None, "good", "poor"]))], one, version=version,
        call_id=call_id)


class Operations:
    """One writer; calls: those stored now, with their versions."""

    def __init__(self, database, seed):
        self.chance = random.Random(seed)
        self.renewer = connect(database, "test_renewer")
        self.owner = connect(database)
        self.calls = {}
        # As the renewer does ahead of the time, with the present months.
        self.owner.execute("SELECT callhook_store.make_report_month(%s)",
                           [DAYS[0]])
        # Those that touch all that is stored are dear, and rare in life.
        self.rare = [self.forget, self.change_quality,
                     self.change_disposition, self.load_buildings]
        self.often = ([self.store] * 40 + [self.remove] * 6 + [self.log] * 4)

    def run(self, operations):
        for number in range(1, operations + 1):
            self.chance.choice(self.often if number % RARELY
                               else self.rare)()

    def pick(self):
        return self.chance.choice(list(self.calls))

    def store(self):
        call_id, version = new_id(), 1
        if len(self.calls) >= CALLS_AT_ONCE or (
                self.calls and self.chance.random() < 0.3):
            call_id = self.pick()
            version = self.chance.randrange(1, 6)
        self.renewer.execute(reading(a_call(
            self.chance, self.chance.choice(DAYS), call_id, version)))
        [[outcome]] = self.renewer.fetchall()
        if outcome == "stored":
            self.calls[call_id] = version

    def remove(self):
        if self.calls:
            gone = self.pick()
            del self.calls[gone]
            self.owner.execute(
                "SELECT callhook_store.remove_record(%s, %s::uuid[])",
                [TENANT, [gone]])

    def log(self):
        clock = f"{self.chance.randrange(24):02}:00"
        start = f"{self.chance.choice(DAYS)}T{clock}:00Z"
        user = Party(f"P{self.chance.randrange(PEOPLE)}")
        self.owner.execute(
            "SELECT callhook_store.store_pstn_rows(%s, jsonb_build_array("
            "jsonb_build_object('id', %s, 'userId', %s, 'startDateTime', %s, "
            "'endDateTime', %s, 'duration', 60, 'calleeNumber', %s, "
            "'callType', 'user_out', 'charge', 0.5, 'currency', 'EUR')))",
            [TENANT, f"p{self.chance.randrange(20)}", user.id, start,
             start.replace(":00:00Z", ":01:00Z"), PHONE.id])

    def forget(self):
        self.renewer.execute(
            "SELECT callhook_store.forget_person(%s)",
            [guid(f"P{self.chance.randrange(PEOPLE)}")])

    def change_quality(self):
        self.owner.execute("""
            INSERT INTO callhook_store.quality_rule
                (media, measure, above, valid_from)
            VALUES ('audio', 'jitter_ms', %s, %s)
            ON CONFLICT (media, measure, valid_from)
            DO UPDATE SET above = excluded.above""",
            [self.chance.choice([10, 20, 50]), self.chance.choice(DAYS)])

    def change_disposition(self):
        """A rule more; of one that is there, what follows from it."""
        self.owner.execute("""
            DELETE FROM callhook_store.disposition_rule
            WHERE stage = 'callSetup';
            INSERT INTO callhook_store.disposition_rule
                (source, stage, reason, disposition, valid_from)
            VALUES ('record', 'callSetup', %s, %s, %s)""",
            [self.chance.choice(["Busy", "NoAnswer", "%"]),
             self.chance.choice(["missed", "declined", "failed"]),
             self.chance.choice(DAYS)])

    def load_buildings(self):
        lines = ", ".join(
            f"""[{n + 1}, "10.0.{n}.0", "Floor {n}", "24", """
            f""""{self.chance.choice(["North", "South"])}", "", "", "", """
            '"", "", "", "", "", "1", "0"]'
            for n in self.chance.sample(range(4), 3))
        self.renewer.execute(
            "SELECT callhook_store.load_reference(%s, 'building', %s)",
            [TENANT, f"[{lines}]"])


def make_figures(cursor):
    """One round of what a run of the renewer does; how much it was."""
    done = 0
    for span in ("day", "month"):
        before = ("infinity", "ffffffff-ffff-ffff-ffff-ffffffffffff")
        while before:
            cursor.execute(f"SELECT * FROM callhook_store.refresh_{span}"
                           "(%s, %s)", before)
            before = cursor.fetchone()
            done += before is not None
    return done


class Onlookers:
    """Two readers and a renewer, at work until the end of the block; looks:
    how often the readers compared, made: the days and months made."""

    def __init__(self, database):
        self.database = database
        self.end = threading.Event()
        self.looks, self.made, self.faults = 0, 0, []

    def read(self, sql):
        cursor = connect(self.database)
        while not self.end.is_set():
            cursor.execute(sql)
            found = cursor.fetchall()
            if found:
                raise Trouble(f"a reader saw {found}")
            self.looks += 1
            self.end.wait(0.02)     # the writer is to have a processor

    def renew(self):
        cursor = connect(self.database, "test_renewer")
        while not self.end.wait(0.05):
            self.made += make_figures(cursor)

    def attempt(self, work, *arguments):
        try:
            work(*arguments)
        except Exception as fault:      # told by the thread that waits
            self.faults.append(fault)
            self.end.set()

    def __enter__(self):
        self.threads = [threading.Thread(target=self.attempt, args=work)
                        for work in ((self.read, CALLS_AND_PEOPLE),
                                     (self.read, STREAMS), (self.renew,))]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind, *_):
        self.end.set()
        for thread in self.threads:
            thread.join()
        if self.faults and kind is None:
            raise self.faults[0]


def differences(database):
    """What verify_reports finds, on all days that have anything."""
    cursor = connect(database)
    cursor.execute("""
        SELECT day FROM callhook_store.report_calls
        UNION SELECT day FROM callhook_store.report_phones
        UNION SELECT day FROM callhook_store.calls
        UNION SELECT day FROM callhook_store.day_call_hours""")
    found = []
    for [day] in cursor.fetchall():
        cursor.execute("SELECT %s::date, v.* FROM "
                       "callhook_store.verify_reports(%s) AS v", [day, day])
        found += cursor.fetchall()
    return found
