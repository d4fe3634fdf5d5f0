"""Looks for every value of a record in the views."""

import datetime
import decimal
import re

from support.call_records import TREE, VIEWS


def snake_case(member):
    member = re.sub("([A-Z]+)([A-Z][a-z])", r"\1_\2", member)
    return re.sub("([a-z0-9])([A-Z])", r"\1_\2", member).lower()


def milliseconds(duration):
    found = re.fullmatch(r"PT(?:(\d+)M)?([\d.]+)S", duration)
    return float((int(found[1] or 0) * 60 + decimal.Decimal(found[2])) * 1000)


def moment(text):
    """A time, to the microsecond."""
    found = re.fullmatch(r"(.{19})(\.\d+)?(Z|[+-]..:..)", text)
    micros = round(decimal.Decimal(found[2] or 0) * 1000000)
    whole = datetime.datetime.fromisoformat(
        found[1] + found[3].replace("Z", "+00:00"))
    return whole + datetime.timedelta(microseconds=int(micros))


class Walk:
    """Every leaf of a record must be in the column that its path tells, or
    in extra at its path."""

    def __init__(self, store, call_id):
        self.rows = {view: {} for view in VIEWS.values()}
        for view, rows in self.rows.items():
            for row in store.view(view, f"call_id = '{call_id}'"):
                rows[self.keys(row)] = row
        self.leaves = 0
        self.visited = set()

    @staticmethod
    def keys(row):
        names = ("participant_no", "session_no", "segment_no", "media_no",
                 "stream_no", "side")
        return tuple(row[name] for name in names if name in row)

    def row(self, view, keys):
        self.visited.add((view, keys))
        return self.rows[view][keys]

    def record(self, record):
        self.object(record, "callRecord", self.row("call_records", ()), "",
                    ())
        for view, rows in self.rows.items():
            assert {keys for name, keys in self.visited if name == view} \
                == set(rows), f"{view} has rows that the record has not"

    def object(self, found, name, row, prefix, keys, path=()):
        """One object of a class, whose columns have a prefix."""
        for member, value in found.items():
            here = (*path, member)
            if value is None or re.search(
                    "@odata[.](context|nextLink|id)", member):
                continue
            if member == "@odata.type":
                if prefix + "type" in row:
                    assert row[prefix + "type"] == value.split(".")[-1]
                continue
            if name == "callRecord" and member == "id":
                assert row["call_id"] == value
                continue
            kind = TREE[name].get(member)
            if name == "callRecord" and member in ("organizer",
                                                   "participants"):
                self.older(member, value, row)
            elif kind is None:
                self.extra(row, here, value)
            elif kind.endswith("[]"):
                self.list(value, kind, keys)
            elif kind in ("identitySet", "identity"):
                self.identity(value, kind, row, prefix)
            elif kind == "userFeedback":
                self.feedback(value, prefix, keys)
            elif kind in TREE:
                self.object(value, kind, row, self.prefix(prefix, member),
                            keys, here)
            else:
                self.leaf(row, prefix, member, kind, value, here)

    @staticmethod
    def prefix(prefix, member):
        for side in ("caller", "callee"):
            if member in (side, side + "Device", side + "Network"):
                return side + "_"
        return {"userAgent": prefix + "user_agent_", "failureInfo": "failure_",
                "organizer_v2": "organizer_"}[member]

    def list(self, values, kind, keys):
        view = VIEWS.get(kind) or VIEWS[kind[:-2]]
        for number, value in enumerate(values, 1):
            inner = (*keys, number)
            self.object(value, kind[:-2], self.row(view, inner), "", inner)

    def identity(self, value, kind, row, prefix):
        columns = prefix + "identity_"
        rest = dict(row[prefix + "identity"] or {})
        if kind == "identitySet":
            value = {key: one for key, one in value.items() if one}
            self.same(row[columns + "endpoint_type"],
                      value.pop("endpointType", None))
            name = row[columns + "kind"]
            one = value.pop(name, {})
            left = rest.pop(name, {})
            assert value == rest
        else:
            one, left = value, rest.get("associatedIdentity", {})
        for member, column in (("id", "id"), ("displayName", "name"),
                               ("tenantId", "tenant_id"),
                               ("userPrincipalName", "user_principal_name")):
            self.same(row[columns + column], one.get(member))
        shown = TREE["identity"].keys() | {"@odata.type"}
        assert {key: value for key, value in one.items()
                if key not in shown and value is not None} == left

    def feedback(self, value, prefix, keys):
        """A repetition is no row: then an earlier one says the same."""
        session, number = (*keys, 0)[:2]
        side = prefix.rstrip("_")
        key = next(key for key in ((session, earlier or None, side)
                                   for earlier in range(number, -1, -1))
                   if key in self.rows["feedback"])
        row = self.row("feedback", key)
        self.object(value, "userFeedback", row, "", keys)

    def older(self, member, value, row):
        """The properties that the _v2 forms have replaced."""
        if member == "organizer":
            kind, one = next((k, v) for k, v in value.items() if v)
            assert row["organizer_identity_kind"] == kind
            self.same(row["organizer_identity_id"], one["id"])
        else:
            assert value == []

    def leaf(self, row, prefix, member, kind, value, path):
        column = prefix + snake_case(member)
        if kind == "d":
            self.same(row[column + "_ms"], milliseconds(value))
        elif kind == "n":
            self.same(row[column + "_seconds"], value)
        elif kind == "t":
            self.same(datetime.datetime.fromisoformat(row[column]),
                      moment(value))
        else:
            self.same(row[column], value)

    def extra(self, row, path, value):
        kept = row["extra"]
        for member in path:
            kept = kept[member]
        self.same(kept, value)

    def same(self, found, expected):
        assert found == expected
        self.leaves += 1
