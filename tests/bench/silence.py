"""Silences of many made-up years: `make bench-silence`.

Each seed is a year of the 20 tenants of support/habits.py: how many false
alarms there are, how many the worst of them has, and on how many working days
a subscription that dies at noon is not found in time."""

import argparse
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import report  # noqa: E402  (only now are they on the path)
from support.habits import HABITS, HOUR  # noqa: E402
from support.postgres import Cluster  # noqa: E402
from support.project import ROOT  # noqa: E402
from support.service import end_on_signals, temporary_folder  # noqa: E402
from support.silences import Years  # noqa: E402

# Who calls how often a day, found within, and whether only days on which
# somebody works count.
WANTED = [
    ("10,000, 15 min", "office-10000", 15 * 60, True),
    ("500, 2 h", "office-500", 2 * HOUR, True),
    ("20, 2 working days", "office-20", 48 * HOUR, True),
    ("20, 3 working days", "office-20", 72 * HOUR, True),
    ("20, 48 h", "office-20", 48 * HOUR, False),
    ("20, 96 h", "office-20", 96 * HOUR, False),
]


def examine(years):
    false = {name: len(some) for name, some in years.false_alarms().items()}
    row = [str(sum(false.values())), str(max(false.values()))]
    for _, name, within, working in WANTED:
        noons, missed = years.missed(name, within, working)
        row.append(f"{len(missed)} of {noons}")
    return false, row


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=10, metavar="N")
    parser.add_argument("--first", type=int, default=13, metavar="SEED")
    parser.add_argument("--output", type=pathlib.Path, metavar="FILE",
                        default=ROOT / "build" / "bench-silence.txt")
    return parser.parse_args()


def main():
    given = arguments()
    end_on_signals()
    rows = [["seed", "false", "of the worst tenant",
             *(title for title, *_ in WANTED)]]
    totals = {habit.name: [] for habit in HABITS}
    with temporary_folder() as folder, Cluster(folder) as cluster:
        for seed in range(given.first, given.first + given.seeds):
            database = cluster.create_database()
            false, row = examine(Years(database, seed))
            cluster.drop_database(database.name)
            rows.append([str(seed), *row])
            print(*rows[-1], sep="\t", file=sys.stderr, flush=True)
            for name, count in false.items():
                totals[name].append(count)
    text = (f"False alarms of {len(HABITS)} tenants a year, and noons at "
            "which a death is not found in time,\nby calls a day and time "
            f"allowed:\n{report.table(rows)}\n\nFalse alarms by tenant, in "
            f"these years:\n" + report.table(
                [[name, " ".join(map(str, counts)), f"{sum(counts)}"]
                 for name, counts in totals.items() if any(counts)]) + "\n")
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(text)
    print(text, end="")


if __name__ == "__main__":
    main()
