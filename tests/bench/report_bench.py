#!/usr/bin/python3
"""What a year of reports costs: `make bench-reports`.

A year of a made-up company is made once, kept below build/ and exported to the
peers: for 2,000 users some 20 minutes of CPU. Then the questions are asked of
our views and of the peers, in turn, round by round. --repeat has the facts of
one month made from records and repeats them; --part make makes two months that
are missing and ends with status 2 while there are more.
"""

import argparse
import contextlib
import datetime
import json
import pathlib
import shutil
import statistics
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import load  # noqa: E402  (only now are they on the path)
import report  # noqa: E402
import report_peers  # noqa: E402
import report_questions  # noqa: E402
import report_year  # noqa: E402
import runs  # noqa: E402
from support.service import end_on_signals  # noqa: E402

US = "callhook"
AT_ONCE = 2                         # months that are made side by side
GB_A_USER = 0.003                   # with the peers' copies of it
STREAMS_OF_A_SMALL_YEAR = 10_000_000
LIMIT_MS = {False: 150, True: 1000}


class Views:
    """Our views, as a reader asks them."""

    name = US

    def __init__(self, year):
        self.cursor = year.cluster.connect("test_reader")
        # As sql/reports says.
        self.cursor.execute("SET jit = off; "
                            "SET max_parallel_workers_per_gather = 0")

    def ask(self, sql):
        begin = time.monotonic()
        self.cursor.execute(sql)
        rows = self.cursor.fetchall()
        return (time.monotonic() - begin) * 1000, rows


def words_of(year):
    """A user and a phone number to ask for."""
    cursor = year.cluster.connect()
    found = {}
    for name, sql in (
            ("user", "SELECT id FROM callhook_store.report_people "
                     "WHERE principal_name LIKE '%7@example.com' "
                     "ORDER BY principal_name LIMIT 1"),
            ("number", """
                SELECT id FROM callhook_store.report_people AS p
                JOIN callhook_store.report_legs AS l USING (person_no)
                WHERE id LIKE '+49%' AND day >= '2026-10-01'
                  AND day < '2026-11-01'
                GROUP BY id ORDER BY count(*) DESC, id LIMIT 1""")):
        cursor.execute(sql)
        [[found[name]]] = cursor.fetchall()
    return found


def make(year, once, repeat):
    """The months that are missing; False: some still are. repeat: all but
    the first two repeat the second."""
    if not year.made:
        year.begin()
    missing = [month for month in report_year.months()
               if f"{month:%Y-%m}" not in year.made]
    while missing:
        some, missing = missing[:AT_ONCE], missing[AT_ONCE:]
        if repeat and len(year.made) >= 2:
            for month in some:
                year.repeat_month(month)
        else:
            year.make_months(some)
        print(f"made until {some[-1]:%Y-%m}: "
              f"{year.made[f'{some[-1]:%Y-%m}']}", file=sys.stderr,
              flush=True)
        if once:
            break
    return not missing


def make_tenfold(year):
    """The months that are missing, from the year of a tenth of the users."""
    for month in report_year.months():
        name = f"{month:%Y-%m}"
        if name not in year.made:
            year.tenfold(month)
            print(f"made {name}: {year.made[name]}", file=sys.stderr,
                  flush=True)


def repeat_figures(cursor, day):
    """A day's figures on all days of its month."""
    cursor.execute("""
        SELECT relname, array_agg(attname::text) FROM pg_class
        JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0
        WHERE relnamespace = 'callhook_store'::regnamespace
          AND relkind = 'r' AND relname LIKE 'day\\_%' GROUP BY relname""")
    for table, names in cursor.fetchall():
        values = ", ".join("other" if name == "day" else name
                           for name in names)
        cursor.execute(
            f"INSERT INTO callhook_store.{table} ({', '.join(names)}) "
            f"SELECT {values} FROM callhook_store.{table}, "
            "unnest(%s::date[]) AS other WHERE day = %s AND other <> day",
            [list(report_year.days_of(day.replace(day=1))), day])


def one_day(year):
    """What the first Monday, and a month of it, cost a run of the renewer."""
    year.begin()
    day = next(d for d in report_year.days_of(list(report_year.months())[1])
               if not d.weekday())
    cursor = year.cluster.connect()
    text = [runs.machine(), f"facts: {year.make_day(cursor, day):.0f} s"]
    for what in ("the day", "the day once more", "a month of it"):
        cursor.execute("VACUUM (ANALYZE)")      # as autovacuum would
        begin = time.monotonic()
        year.refresh(year.cluster.connect())
        text.append(f"figures of {what}: {time.monotonic() - begin:.1f} s")
        cursor.execute("INSERT INTO callhook_store.report_dirty_days "
                       "VALUES (%s, %s)", [report_year.TENANT, day])
        if what == "the day once more":
            repeat_figures(cursor, day)
    for table in ("calls", "legs", "streams"):
        cursor.execute(f"SELECT count(*) FROM callhook_store.report_{table}")
        text.append(f"{cursor.fetchone()[0]:,} {table}")
    return "\n".join([*text, ""])


def fill(year, peers):
    """The peers' copies of the year: the months that they have not got."""
    note = pathlib.Path(year.cluster.folder) / "filled.json"
    filled = json.loads(note.read_text()) if note.exists() else {}
    for peer in peers:
        if not filled.get(peer.name):
            peer.begin()
            filled[peer.name] = []
    cursor = year.cluster.connect()
    file = pathlib.Path(year.cluster.folder) / "export.tsv"
    for month in report_year.months():
        name = f"{month:%Y-%m}"
        lacking = [p for p in peers if name not in filled[p.name]]
        end = max(report_year.days_of(month)) + datetime.timedelta(1)
        for table in report_peers.COLUMNS if lacking else ():
            report_peers.export(cursor, table, month, end, file)
            for peer in lacking:
                peer.load(table, month, end, file)
        for peer in lacking:
            filled[peer.name].append(name)
        note.write_text(json.dumps(filled))
        print(f"filled {name}", file=sys.stderr, flush=True)
    file.unlink(missing_ok=True)


def ask_all(engines, questions, rounds):
    """Milliseconds by question and engine, and the last answers."""
    times, answers = {}, {}
    for round_ in range(rounds + 1):
        for question in questions:
            for engine in engines:
                if engine.name not in question.sql:
                    continue
                ms, rows = engine.ask(question.sql[engine.name])
                answers[question.number, engine.name] = rows
                if round_:          # the first warms all of them up
                    times.setdefault((question.number, engine.name),
                                     []).append(ms)
    return times, answers


def compare(questions, answers, names):
    """What each peer's answers are, beside ours."""
    for question in questions:
        for name in names:
            if (question.number, name) in answers:
                fault = question.differs(answers[question.number, US],
                                         answers[question.number, name])
                if fault:
                    yield f"{question.number} {name}: {fault}"


def figures(questions, times, names, limit):
    """The table, and what was wanted of it."""
    rows = [["question", *names, ""]]
    middle = {key: statistics.median(found) for key, found in times.items()}
    for question in questions:
        ours = middle[question.number, US]
        rows.append([f"{question.number} {question.title}"] + [
            report.show(middle.get((question.number, name)), 1)
            for name in names] + ["" if ours <= limit else "over"])
    sums = {name: sum(middle.get((q.number, name), 0) for q in questions)
            for name in names}
    rows.append(["all"] + [report.show(sums[name], 0) for name in names]
                + [""])
    worst = max(middle[q.number, US] for q in questions)
    text = [report.table(rows), "",
            f"longest {worst:.0f} ms, wanted: at most {limit} ms"]
    for name in names[1:]:
        both = [q.number for q in questions if (q.number, name) in middle]
        ours = sum(middle[number, US] for number in both)
        ahead = sum(middle[number, US] < middle[number, name]
                    for number in both)
        text.append(f"{name}: {ours / sums[name]:.2f} of its sum, ahead of it "
                    f"in {ahead} of {len(both)}"
                    + (", wanted: 0.50 and 14" if name == "duckdb" else ""))
    return "\n".join(text)


def size(year):
    cursor = year.cluster.connect("postgres")
    cursor.execute("""
        SELECT (SELECT count(*) FROM callhook_store.report_streams),
               sum(size) FILTER (WHERE relname ~ '^report_')::float,
               sum(size) FILTER (WHERE relname ~ '^(day|month)_')::float
        FROM pg_class CROSS JOIN LATERAL (
            SELECT pg_total_relation_size(pg_class.oid)) AS s (size)
        WHERE relkind = 'r'
          AND relnamespace = 'callhook_store'::regnamespace""")
    streams, facts, days = cursor.fetchone()
    made = year.made.values()
    copied = {word: sum(word in m for m in made)
              for word in ("repeated", "tenfold")}
    return streams, (
        f"{streams:,} streams; facts {facts / 1e9:.1f} GB, made in "
        f"{sum(m['facts'] for m in made) / 60:.0f} min; day tables "
        f"{days / 1e9:.2f} GB, made in {sum(m['figures'] for m in made):.0f} "
        f"s, the longest day in {max(m['longest_day'] for m in made):.1f} s"
        + (f"\n{copied['repeated']} months repeat the facts of another"
           if copied["repeated"] else "")
        + ("\nten times the people and calls of a tenth of the users"
           if copied["tenfold"] else ""))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--users", type=int, default=2000, metavar="N")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--repeat", action="store_true",
                        help="make two months from records, and repeat one")
    parser.add_argument("--tenfold", action="store_true",
                        help="ten times the year of a tenth of the users")
    parser.add_argument("--without-peers", action="store_true")
    parser.add_argument("--part", choices=("all", "make", "fill", "ask", "day"),
                        default="all")
    parser.add_argument("--output", type=pathlib.Path, metavar="FILE",
                        default=load.ROOT / "build" / "bench-reports.txt")
    return parser.parse_args()


def peers_of(folder, given):
    if given.without_peers:
        return
    yield report_peers.DuckDB(folder)
    if report_peers.ClickHouse.is_there():
        yield report_peers.ClickHouse(folder)
    else:
        print("without ClickHouse: no clickhouse-server here",
              file=sys.stderr)


def ask(year, peers, rounds):
    questions = report_questions.questions(words_of(year))
    engines = [Views(year)]
    names = [US]
    with contextlib.ExitStack() as stack:
        for peer in peers:
            engines.append(stack.enter_context(peer))
            names.append(peer.name)
        times, answers = ask_all(engines, questions, rounds)
    streams, text = size(year)
    differing = list(compare(questions, answers, names[1:]))
    return "\n".join([
        f"Medians of {rounds} rounds in turn, ms.\n{runs.machine()}\n{text}\n",
        figures(questions, times, names,
                LIMIT_MS[streams > STREAMS_OF_A_SMALL_YEAR]),
        *(f"differs: {line}" for line in differing),
        "" if differing else "all answers that were compared are the same\n"])


def main():
    given = arguments()
    folder = load.BUILD / (f"reports-{given.users}" if given.part != "day"
                           else "reports-day")
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    free = shutil.disk_usage(folder).free / 1e9
    if (given.part != "day" and not (folder / "made.json").exists()
            and free < given.users * GB_A_USER):
        sys.exit(f"{folder}: {given.users * GB_A_USER:.0f} GB needed, "
                 f"{free:.0f} GB free")
    end_on_signals()
    cluster = report_year.YearCluster(folder)
    if given.tenfold and not (folder / "made.json").exists():
        cluster.copy_from(load.BUILD / f"reports-{given.users // 10}")
    with cluster:
        year = report_year.Year(cluster, given.users)
        if given.part == "day":
            print(one_day(year), end="")
        if given.tenfold and given.part in ("all", "make"):
            make_tenfold(year)
        elif given.part in ("all", "make"):
            if not make(year, given.part == "make", given.repeat):
                sys.exit(2)         # months are missing still
        if given.part in ("all", "fill"):
            with contextlib.ExitStack() as stack:
                fill(year, [stack.enter_context(peer)
                            for peer in peers_of(folder, given)])
        if given.part in ("all", "ask"):
            text = ask(year, peers_of(folder, given), given.rounds)
            given.output.parent.mkdir(parents=True, exist_ok=True)
            given.output.write_text(text)
            print(text, end="")
            print(f"also in {given.output}")


if __name__ == "__main__":
    main()
