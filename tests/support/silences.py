"""Made-up years of habits, asked of the functions that the view of silences
asks: what alarms falsely, and how soon a dead subscription is found."""

import datetime

from support.habits import FIRST, HABITS, HOUR, WEEKS_BEFORE, Year


def moment(seconds):
    return FIRST + datetime.timedelta(seconds=seconds)


class Years:
    """A year of each tenant of HABITS, in a database of its own.

    seed: of what happens; the habits are the same."""

    def __init__(self, database, seed=13):
        self.database = database
        self.years = [Year(habit, seed) for habit in HABITS]
        self._tell()

    def _tell(self):
        """The years' hours, into a table of their own."""
        rows = "\n".join(
            f"{number}\t{{{','.join(map(str, year.counts))}}}"
            for number, year in enumerate(self.years))
        self.database.cluster.psql(
            "-v", "ON_ERROR_STOP=1", "-c", "CREATE TABLE public.years (no "
            "integer PRIMARY KEY, counts bigint[])", "-c",
            "COPY public.years FROM STDIN", database=self.database.name,
            given=rows + "\n")
        self.database.execute(f"""
            CREATE FUNCTION public.moment(seconds double precision)
            RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
                SELECT '{FIRST.isoformat()}'::timestamptz
                    + seconds * interval '1 second' $$;
            CREATE TABLE public.habits AS -- as they are on each Monday
            SELECT no, week, h.* FROM public.years
            CROSS JOIN generate_series({WEEKS_BEFORE},
                cardinality(counts) / 168) AS week
            CROSS JOIN LATERAL callhook_store.silence_habits(
                public.moment((week - 8) * 168 * {HOUR}),
                counts[(week - 8) * 168 + 1:week * 168]) AS h;
            CREATE UNIQUE INDEX ON public.habits (no, week);
            CREATE TABLE public.silences (no integer, after double precision,
                until double precision, in_hour bigint)""")

    def alarms(self, silences):
        """Of silences (tenant, after, until, changes in the hour before it)
        those that alarm at their end."""
        rows = "\n".join("\t".join(map(str, silence)) for silence in silences)
        self.database.cluster.psql(
            "-c", "TRUNCATE public.silences",
            "-c", "COPY public.silences FROM STDIN",
            database=self.database.name, given=rows + "\n")
        return self.database.query("""
            SELECT no, after, until, a_year FROM (
                SELECT s.no, after, until, callhook_store.silences_a_year(
                    public.moment(after), public.moment(until),
                    counts[hour - 71:hour], in_hour, usual, least_usual,
                    clump, clumps_a_year, quiet_hour) AS a_year
                FROM public.silences AS s JOIN public.years AS y USING (no)
                CROSS JOIN LATERAL (
                    SELECT floor(after / 3600)::integer) AS o (hour)
                JOIN public.habits AS h ON h.no = s.no AND h.week = hour / 168
                OFFSET 0) AS e
            WHERE callhook_store.is_silence_alarming(public.moment(after),
                public.moment(until), a_year) ORDER BY no, after""")

    def false_alarms(self):
        """{tenant: [(when, hours, how many such a year are expected)]}"""
        false = {habit.name: [] for habit in HABITS}
        for alarm in self.alarms([
                (no, after, until, one.counts[int(after // HOUR)])
                for no, one in enumerate(self.years)
                for after, until in one.silences
                if after >= WEEKS_BEFORE * 168 * HOUR]):
            false[HABITS[alarm["no"]].name].append(
                (str(moment(alarm["after"]))[:16],
                 round((alarm["until"] - alarm["after"]) / HOUR, 1),
                 alarm["a_year"]))
        return false

    def deaths(self, name):
        """[(noon, tenant, the last change before it, how many came in that
        hour)] for each working noon that has three more after it."""
        [no] = [n for n, habit in enumerate(HABITS) if habit.name == name]
        counts, noons = self.years[no].counts, self.years[no].working_noons
        for noon in noons[:-3]:
            if noon < WEEKS_BEFORE * 168 * HOUR:
                continue
            hour = noon // HOUR - 1
            while not counts[hour]:
                hour -= 1
            # The last one came just before noon, or in the midst of its hour.
            share = 0.99 if hour == noon // HOUR - 1 else 0.5
            yield noon, no, (hour + share) * HOUR, counts[hour]

    def missed(self, name, within, working=True):
        """How many noons there are, and those whose death is not found so
        soon. working: days on which nobody works do not count."""
        deaths = list(self.deaths(name))
        noons = self.years[deaths[0][1]].working_noons

        def until(noon):
            if within < 24 * HOUR or not working:
                return noon + within
            return noons[noons.index(noon) + within // (24 * HOUR)]

        found = {round(alarm["after"]) for alarm in self.alarms(
            [(no, after, until(noon), count)
             for noon, no, after, count in deaths])}
        return len(deaths), [str(moment(after)) for _, _, after, _ in deaths
                             if round(after) not in found]
