"""The questions that make bench-reports asks, one file each.

A file has the question, how answers are compared, and a statement for each of
the engines: ours asks the views, the peers ask tables of single rows.
"""

import re

import load

SPANS = {name: f"day >= '{begin}' AND day < '{end}'" for name, begin, end in (
    ("year", "2025-11-28", "2026-11-28"), ("month", "2026-10-01", "2026-11-01"),
    ("week", "2026-11-16", "2026-11-23"))}
# By the rules of quality_rule, which the peers have to apply themselves.
CLASSIFIED = "CASE WHEN packets > 500 THEN 1 ELSE 0 END"
POOR = ("CASE WHEN packets > 500 AND (loss > 0.1 OR trip > 500 OR jitter > 30)"
        " THEN 1 ELSE 0 END")
NEAR = 0.05
# Below, a percentile of losses is what an engine makes of one packet.
TINY = 0.001


class Question:
    """One file."""

    def __init__(self, path, words):
        self.number = path.name[:2]
        pieces = re.split(r"^-- (.*)\n", path.read_text(),
                          flags=re.MULTILINE)[1:]
        named = list(zip(pieces[::2], pieces[1::2]))
        self.title = named[0][0]
        self.compare = named[1][0].removeprefix("compare: ")
        self.sql = {}
        for names, text in named[2:]:
            for name in names.split(", "):
                self.sql[name] = text.strip().format(
                    audio="media = 'audio' AND is_test = 0", poor=POOR,
                    classified=CLASSIFIED, **SPANS, **words)

    def differs(self, ours, theirs):
        """How one answer differs from another; None: it does not."""
        one, other = ([tuple(map(plain, row)) for row in rows]
                      for rows in (ours, theirs))
        if self.compare == "totals":
            # Few people's devices are 'other' in ours: names cannot agree.
            one, other = ([tuple(map(sum, list(zip(*rows))[1:]))]
                          for rows in (one, other))
        if len(one) != len(other):
            return f"{len(one)} rows, theirs {len(other)}"
        near = NEAR if self.compare == "percent" else 1e-6
        for mine, his in zip(sorted(one, key=str), sorted(other, key=str)):
            if not all(map(lambda a, b: same(a, b, near), mine, his)):
                return f"{mine}, theirs {his}"
        return None


def plain(value):
    """A value in the form that all engines' answers are brought to."""
    if value is None or value == "":
        return ""
    text = str(value)
    return float(text) if re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", text) \
        else text


def same(one, other, near):
    # No row to sum: null here, 0 there.
    if {one, other} <= {"", 0.0}:
        return True
    if isinstance(one, float) and isinstance(other, float):
        return (abs(one - other) <= near * max(abs(one), abs(other))
                or near == NEAR and max(one, other) < TINY)
    return one == other


def questions(words):
    """All of them; words: for {user} and {number}."""
    return [Question(path, words)
            for path in sorted((load.HERE / "questions").glob("*.sql"))]
