#!/usr/bin/python3
"""Random operations on a store of records while a renewer makes the figures
of dirty days and two readers compare sums: none ever sees a half, and at the
end verify_reports finds no day that differs from the records.

    reports.py [--operations 100000] [--seed N]

Exit status 0 if all of it holds. `make check-reports`.
"""

import argparse
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from support import report_operations  # noqa: E402  (now it is on the path)
from support.postgres import Cluster  # noqa: E402
from support.service import end_on_signals, temporary_folder  # noqa: E402

PROGRESS = 1000


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--operations", type=int, default=100000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    return parser.parse_args()


def main():
    given = arguments()
    print(f"seed {given.seed}", flush=True)
    end_on_signals()
    begin = time.monotonic()
    with temporary_folder() as folder, Cluster(folder) as cluster:
        database = cluster.create_database()
        operations = report_operations.Operations(database, given.seed)
        with report_operations.Onlookers(database) as onlookers:
            for done in range(0, given.operations, PROGRESS):
                operations.run(min(PROGRESS, given.operations - done))
                if onlookers.faults:
                    break
                print(f"{time.monotonic() - begin:.0f} s: "
                      f"{min(done + PROGRESS, given.operations):,} "
                      f"operations, {onlookers.looks:,} looks, "
                      f"{onlookers.made:,} days and months made", flush=True)
        report_operations.make_figures(operations.renewer)
        found = report_operations.differences(database)
    for row in found:
        print("differs:", *row, file=sys.stderr)
    print("no reader saw a half, and "
          + ("verify_reports finds nothing" if not found
             else f"{len(found)} parts differ"))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
