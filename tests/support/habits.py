"""Tenants of very different habits over a made-up year: how many changes are
notified of in each hour, and every silence of more than 10 minutes."""

import datetime
import math
import random

HOUR = 3600
WEEKS_BEFORE = 9                        # of history, then the year
FIRST = datetime.datetime(2025, 10, 27, tzinfo=datetime.timezone.utc)
SHORTEST = 600                          # seconds: no alarm is sooner

# Offices of one country: New Year, Easter, May, summer, autumn, Christmas.
HOLIDAYS = {(1, 1), (1, 6), (4, 3), (4, 6), (5, 1), (5, 14), (5, 25), (6, 4),
            (10, 3), (11, 1), (12, 25), (12, 26)}
HALF_DAYS = {(12, 24), (12, 31)}

OFFICE = [0] * 7 + [.3, .8, 1, 1.1, 1, .7, .9, 1.1, 1, .8, .4] + [.1] * 2 \
    + [0] * 4
LATE = [.02] * 6 + [.1, .3, .7, 1, 1, 1, .8, .9, 1, 1, .8, .6, .4, .3, .2, .1,
                    .05, .03]
ALWAYS = [.4, .3, .3, .3, .4, .5, .7, .9, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, .9,
          .8, .7, .6, .5, .5]
NIGHT = [1] * 5 + [.3] + [0] * 14 + [.3] + [1] * 3
SHOP = [0] * 9 + [.6, 1, 1, 1, 1, 1, 1.2, 1.3, 1.2, .8, .2] + [0] * 4
FLAT = [1] * 24


class Habit:
    """calls: on a usual working day. week: how busy each weekday is. zone:
    hours of local time ahead of UTC; summer: it has summer time. off: what is
    left of a holiday. clump: changes a call. free: months and weeks off.
    begins: the hour in which a working day does."""

    def __init__(self, name, calls, day=OFFICE, week="1111100", zone=1, *,
                 summer=True, off=.02, clump=1.5, spread=.15, free=(),
                 growth=0.0, begins=0):
        self.name, self.calls, self.day = name, calls, day
        self.week = [int(share) if share != "h" else .3 for share in week]
        self.zone, self.summer, self.off = zone, summer, off
        self.clump, self.spread, self.free = clump, spread, free
        self.growth, self.begins = growth, begins

    def local(self, utc):
        summer = self.summer and (3, 29) <= (utc.month, utc.day) < (10, 25)
        return utc + datetime.timedelta(hours=self.zone + summer)


HABITS = [
    Habit("office-10000", 10000, clump=1.3),
    Habit("office-500", 500),
    Habit("office-20", 20),
    Habit("always-10000", 10000, ALWAYS, "1111111", off=.6),
    Habit("late-3000", 3000, LATE, "11111hh", zone=-5),
    Habit("office-1-call", 1),
    Habit("office-5", 5, clump=1),
    Habit("shop-200", 200, SHOP, "1111110", off=0),
    Habit("night-shift-300", 300, NIGHT, "1111111", off=.1, begins=12),
    Habit("school-60", 60, off=.03,
          free=[((12, 21), (1, 6)), ((3, 30), (4, 11)), ((7, 25), (9, 5)),
                ((10, 5), (10, 17))]),
    Habit("closed-at-christmas-100", 100, off=0,
          free=[((12, 23), (1, 3))]),
    Habit("meetings-800", 800, clump=6),
    Habit("clumps-20", 20, clump=8),
    Habit("weekly-40", 40, week="1000000"),
    Habit("weekend-150", 150, SHOP, "0000111", off=1),
    Habit("grows-50", 50, growth=6),
    Habit("shrinks-900", 900, growth=-.9),
    Habit("far-east-1500", 1500, zone=9, summer=False),
    Habit("machine-48", 48, FLAT, "1111111", off=1, clump=1),
    Habit("moody-120", 120, spread=.7),
]


def is_free(habit, day):
    for begins, ends in habit.free:
        today = (day.month, day.day)
        if begins <= ends:
            inside = begins <= today <= ends
        else:
            inside = today >= begins or today <= ends
        if inside:
            return True
    return False


class Year:
    """One tenant's year, hour by hour."""

    def __init__(self, habit, seed=13, weeks=52):
        self.habit = habit
        self.chance = random.Random(f"{habit.name} {seed}")
        self.counts = []                # of changes, by hour since FIRST
        self.silences = []              # (after, until) in seconds since FIRST
        self.working_noons = []         # in seconds since FIRST
        self.moods = {}
        self.last = None
        self.times = {}                 # of hours that are looked into
        for hour in range((WEEKS_BEFORE + weeks) * 168):
            self.live(hour)

    def mood(self, day):
        if day not in self.moods:
            habit, today = self.habit, (day.month, day.day)
            share = habit.week[day.weekday()]
            if today in HOLIDAYS or is_free(habit, day):
                share *= habit.off
            progress = (day - FIRST.date()).days / 430
            share *= max(0, 1 + habit.growth * progress)
            self.moods[day] = share * self.chance.lognormvariate(
                0, habit.spread)
        return self.moods[day]

    def live(self, hour):
        habit, chance = self.habit, self.chance
        local = habit.local(FIRST + datetime.timedelta(hours=hour))
        begun = local - datetime.timedelta(hours=habit.begins)
        rate = (habit.calls * self.mood(begun.date())
                * habit.day[local.hour] / sum(habit.day))
        if (local.month, local.day) in HALF_DAYS and local.hour >= 13:
            rate *= max(habit.off, .05)
        if (local.hour == 12 and local.weekday() < 5
                and (local.month, local.day) not in HOLIDAYS | HALF_DAYS):
            self.working_noons.append(hour * HOUR)
        calls = self.poisson(rate)
        if calls > 150:                 # no 10 minutes without one
            self.counts.append(round(calls * habit.clump))
            self.seen(hour * HOUR + 20)
            self.last = (hour + 1) * HOUR - 20
            return
        times = sorted(hour * HOUR + chance.uniform(0, HOUR)
                       for _ in range(calls))
        total = sum(1 + self.poisson(habit.clump - 1) for _ in times)
        self.counts.append(total)
        for time in times:
            self.seen(time)

    def poisson(self, rate):
        if rate > 60:
            return max(0, round(self.chance.gauss(rate, math.sqrt(rate))))
        limit, product, n = math.exp(-rate), self.chance.random(), 0
        while product > limit:
            product *= self.chance.random()
            n += 1
        return n

    def seen(self, time):
        if self.last is not None and time - self.last > SHORTEST:
            self.silences.append((self.last, time))
        self.last = time
