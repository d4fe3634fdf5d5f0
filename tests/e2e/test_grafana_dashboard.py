"""Each panel of the Grafana dashboard asks what the schema answers."""

import json
import re

import pytest

from support.company import moment, reading, work_off
from support.project import ROOT
from support.record_store import TENANT, Store
from support.small_company import Company

pytestmark = pytest.mark.no_program

DASHBOARD = json.loads((ROOT / "sql/grafana/callhook.json").read_text())
SECONDS = {"h": 3600, "d": 86400}
FROM, TO = "2026-02-28T23:00:00Z", "2026-03-31T12:34:56Z"

# Argument lists end at the first parenthesis, as in Grafana's own pattern.
MACRO = re.compile(r"\$__(\w+)\(([^)]*)\)")


def expanded(sql):
    """As Grafana documents the macros of its PostgreSQL data source."""
    def put(match):
        name, (column, *rest) = match[1], re.split(r",\s*", match[2])
        if name == "timeFilter":
            return f"{column} BETWEEN '{FROM}' AND '{TO}'"
        assert name == "timeGroupAlias", name
        [width] = rest
        number, unit = re.fullmatch(r"'?(\d+)([hd])'?", width).groups()
        width = int(number) * SECONDS[unit]
        return (f"floor(extract(epoch from {column})/{width})*{width} "
                'AS "time"')

    return MACRO.sub(put, sql.replace("$__interval", "1h"))


@pytest.fixture(scope="module")
def store(cluster):
    made = cluster.create_database()
    store = Store(made)
    company = Company()
    for call in company.records[:1]:
        start = moment("2026-03-02").isoformat()
        store.notify(call["id"], f"'{start}'")
    store.fold()
    made.execute(";".join(map(reading, company.records)), "test_renewer")
    store.call("store_pstn_rows", TENANT, company.pstn)
    store.call("store_direct_routing_rows", TENANT, company.direct)
    made.execute(f"""
        INSERT INTO callhook_store.tenants (tenant, tenant_id)
        VALUES ('contoso', '{TENANT}');
        SELECT callhook_store.add_minute('2026-03-02 10:00+00', 'host',
            array_fill(1::bigint, ARRAY[10]), '{{9,1}}', 90, 0, 1)""")
    work_off(made)
    yield store
    cluster.drop_database(made.name)


@pytest.mark.parametrize("panel", DASHBOARD["panels"],
                         ids=lambda panel: panel["title"])
def test_a_panel_has_rows(store, panel):
    [target] = panel["targets"]
    sql = expanded(target["rawSql"])
    assert "$" not in sql
    rows = store.database.query(sql, "test_reader")
    assert rows
    if target["format"] == "time_series":
        assert all(isinstance(row["time"], (int, float)) for row in rows)
        times = [row["time"] for row in rows]
        assert times == sorted(times)
        assert any(value for row in rows for name, value in row.items()
                   if name not in ("time", "metric"))


def test_panels_ask_the_chosen_data_source_and_do_not_overlap():
    [variable] = DASHBOARD["templating"]["list"]
    places = set()
    for panel in DASHBOARD["panels"]:
        for source in (panel["datasource"], panel["targets"][0]["datasource"]):
            assert source == {"type": variable["query"],
                              "uid": f"${{{variable['name']}}}"}
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        places.add((place["x"], place["y"]))
    assert len(places) == len(DASHBOARD["panels"])
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(places)
