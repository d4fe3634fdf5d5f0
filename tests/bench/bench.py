"""callhook and its peers, side by side: `make bench`.

All servers are private and gone afterwards. The variants of a case run in
turn, A B C A B C, because the speed of a shared machine drifts: compare
ratios, not figures of different rounds."""

import argparse
import dataclasses
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import cases  # noqa: E402  (only now are they on the path)
import report  # noqa: E402
import runs  # noqa: E402
from support.project import ROOT  # noqa: E402
from support.service import (  # noqa: E402
    Trouble, end_on_signals, temporary_folder)


def arguments():
    names = [case.name for case in cases.CASES]
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true",
                        help="two short rounds, to see that all works")
    parser.add_argument("--rounds", type=int, metavar="N",
                        help="rounds of each case (5)")
    parser.add_argument("--seconds", type=int, metavar="N",
                        help="length of each run (4)")
    parser.add_argument("--cases", metavar="NAME,...",
                        help="of " + ", ".join(names))
    parser.add_argument("--variants", metavar="NAME,...",
                        help="only these of each case")
    parser.add_argument("--output", type=pathlib.Path, metavar="FILE",
                        default=ROOT / "build" / "bench.txt",
                        help="the table; with .json instead, all figures")
    given = parser.parse_args()
    given.rounds = given.rounds or (2 if given.quick else 5)
    given.seconds = given.seconds or (1 if given.quick else 4)
    wanted = given.cases.split(",") if given.cases else names
    unknown = set(wanted) - set(names)
    if unknown:
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    given.chosen = [with_variants(case, given.variants)
                    for case in cases.CASES if case.name in wanted]
    return given


def with_variants(case, names):
    """The case with those of its variants that are named; None: with all."""
    if names is None:
        return case
    return dataclasses.replace(case, variants=tuple(
        variant for variant in case.variants
        if variant.name in names.split(",")))


def progress(case, round_, variant, result):
    shown = ", ".join(f"{name} {result[name]:,.{decimals}f}"
                      for name, _, decimals in report.COLUMNS
                      if name in result and name in (case.by, "CPU", "p99.9"))
    print(f"{case.name} {round_} {variant.name}: {shown}", file=sys.stderr,
          flush=True)


def measure_case(case, rounds, seconds, results):
    """Add the figures of a case; return how many of its runs failed."""
    failed = 0
    with temporary_folder() as folder, \
            runs.Place(folder, case, seconds) as place:
        for round_ in range(1, rounds + 1):
            for variant in case.variants:
                try:
                    result = place.run(variant)
                except Trouble as trouble:
                    print(f"{case.name} {round_} {variant.name}: {trouble}",
                          file=sys.stderr)
                    # An empty place: the others stay in their rounds.
                    result = {}
                    failed += 1
                results.setdefault((case.name, variant.name),
                                   []).append(result)
                progress(case, round_, variant, result)
    return failed


def main():
    given = arguments()
    end_on_signals()
    results = {}
    failed = sum(measure_case(case, given.rounds, given.seconds, results)
                 for case in given.chosen)
    about = {"rounds": given.rounds, "seconds": given.seconds,
             "machine": runs.machine()}
    text = report.text(results, given.chosen, about)
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(text)
    given.output.with_suffix(".json").write_text(
        report.as_json(results, about))
    print(text, end="")
    print(f"\nalso in {given.output}")
    if failed:
        sys.exit(f"bench: {failed} runs failed, see above")


if __name__ == "__main__":
    main()
