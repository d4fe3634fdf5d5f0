"""The figures as a table, and as JSON for machines."""

import json
import statistics

import cases

COLUMNS = [                         # figure, heading, decimals
    ("requests/s", "requests/s", 0), ("items/s", "items/s", 0),
    ("p50", "p50 ms", 2), ("p99", "p99 ms", 2), ("p99.9", "p99.9 ms", 2),
    ("max", "max ms", 1), ("CPU", "CPU us", 1),
    ("CPU PostgreSQL", "PG us", 1), ("PSS", "PSS MiB", 1),
    ("sessions", "conns", 0),
]
HEAD = """\
Medians of {rounds} rounds of {seconds} s each, the variants of a case in turn.
{machine}
ratio: what the first variant of the case reaches of this one, within a round,
with its least and its greatest; by items/s, where not said otherwise.
CPU, PG: CPU time of the program and of all of PostgreSQL, by item.
conns: sessions with the database."""


def median(values):
    return statistics.median(values) if values else None


def figures(results, case, variant, name):
    """A figure of a variant, round by round."""
    return [result[name] for result in results.get((case, variant), [])
            if name in result]


def ratios(results, case, one, other, name):
    """A figure of one by that of another, round by round."""
    rounds = zip(results.get((case, one), []), results.get((case, other), []))
    return [a[name] / b[name] for a, b in rounds if a.get(name) and
            b.get(name)]


def show(value, decimals):
    return "-" if value is None else f"{value:,.{decimals}f}"


def spread(values, decimals=2):
    if not values:
        return "-"
    return (f"{show(median(values), decimals)} "
            f"({show(min(values), decimals)}-{show(max(values), decimals)})")


def table(rows):
    """Rows of text, the first column to the left, the others right."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join("  ".join(
        [row[0].ljust(widths[0])]
        + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
    ).rstrip() for row in rows)


def case_table(results, case):
    first = case.variants[0].name
    rows = [["", *(heading for _, heading, _ in COLUMNS), "ratio"]]
    for variant in case.variants:
        row = [variant.title]
        for name, _, decimals in COLUMNS:
            row.append(show(median(figures(results, case.name, variant.name,
                                           name)), decimals))
        row.append("" if variant.name == first else spread(
            ratios(results, case.name, first, variant.name, case.by)))
        rows.append(row)
    by = "" if case.by == "items/s" else f" (ratio by {case.by})"
    return f"{case.title}{by}\n{table(rows)}"


def wanted(results):
    """The figures that are wanted, and what they came to."""
    rows = [["wanted", "", "reached", ""]]
    for want in cases.WANTS:
        if want.other:
            values = ratios(results, want.case, want.variant, want.other,
                            want.figure)
        else:
            values = figures(results, want.case, want.variant, want.figure)
        if not values:
            continue
        reached = (median(values) <= want.bound if want.most
                   else median(values) >= want.bound)
        sign = "<=" if want.most else ">="
        rows.append([want.text, f"{sign} {want.bound:g}", spread(values),
                     "yes" if reached else "NO"])
    return table(rows) if len(rows) > 1 else ""


def text(results, chosen, about):
    parts = [HEAD.format(**about)]
    parts += [case_table(results, case) for case in chosen]
    parts.append(wanted(results))
    surplus = [result["surplus"] for several in results.values()
               for result in several if "surplus" in result]
    if surplus:
        parts.append("Rows stored: one for each item that was answered with "
                     "202, and at most\n"
                     f"{max(surplus)} more, in flight when a load ended.")
    return "\n\n".join(filter(None, parts)) + "\n"


def as_json(results, about):
    return json.dumps({
        **about,
        "cases": [{"case": case, "variant": variant, "rounds": several}
                  for (case, variant), several in results.items()],
    }, indent=1) + "\n"
