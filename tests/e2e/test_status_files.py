"""What each run writes for others: the metrics file and its alerts."""

import fcntl
import json
import shutil
import subprocess

import pytest

from support.project import INSTALL_SQL
from support.renewer import Renewer

RULES = INSTALL_SQL.parent / "prometheus" / "callhook.rules.yml"
DAY = 1440          # minutes


@pytest.fixture
def renewer(folder, database, double):
    """No receiver answers: runs fail, the files are written all the same."""
    made = Renewer(folder, double, database,
                   notification_url="http://127.0.0.1:1/callhook")
    made.add("contoso")
    made.settings["metrics_file"] = made.folder / "callhook.prom"
    return made


def test_each_run_writes_its_metrics(renewer):
    path = renewer.settings["metrics_file"]
    assert renewer.run("run").status == 1
    assert path.stat().st_mode & 0o7777 == 0o644
    assert "\ncallhook_database_up 1\n" in path.read_text()
    first = path.stat().st_ino
    renewer.database = None                         # it is away
    assert renewer.run("run").status == 1
    assert path.stat().st_ino != first              # renamed, not rewritten
    assert "\ncallhook_database_up 0\n" in path.read_text()
    assert 'tenant="contoso"' not in path.read_text()
    assert not [other for other in path.parent.iterdir()
                if other != path and other.name.startswith("callhook.prom")]


def test_one_run_at_a_time_writes_them(renewer):
    path = renewer.settings["metrics_file"]
    renewer.run("run")
    first = path.stat().st_ino
    with open(renewer.state_dir / ":files.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = renewer.run("run")
        assert path.stat().st_ino == first
        assert "callhook.prom" not in done.stderr
    renewer.run("run")
    assert path.stat().st_ino != first


def test_a_file_that_cannot_be_written_is_told(renewer):
    renewer.settings["metrics_file"] = renewer.folder / "none" / "c.prom"
    done = renewer.run("run")
    assert ("c.prom cannot be written: No such file or directory: this user "
            "must be able to write to its folder") in done.stderr
    state = json.loads(renewer.run("status", "--json").stdout)
    assert any("cannot be written" in fault for fault in state["faults"])
    renewer.settings["metrics_file"] = renewer.folder / "c.prom"
    assert "ended: " in renewer.run("run").stderr
    state = json.loads(renewer.run("status", "--json").stdout)
    assert not any("cannot be written" in fault for fault in state["faults"])


# -- the alerts ------------------------------------------------------------

# A day in which all is well, a value a minute; time() begins at 0.
WELL = {
    'callhook_subscription_expiry_timestamp_seconds{tenant="t"}':
        f"172800+60x{DAY}",
    'callhook_silence_alarm{tenant="t"}': f"0x{DAY}",
    'callhook_gap_open{tenant="t"}': f"0x{DAY}",
    'callhook_receiver_up{host="h"}': f"1x{DAY}",
    'callhook_spool_bytes{host="h"}': f"0x{DAY}",
    'callhook_over_3s_total{host="h"}': f"2x{DAY // 2} 0x{DAY // 2}",
    "callhook_database_up": f"1x{DAY}",
    'node_textfile_mtime_seconds{file="/srv/callhook.prom"}': f"0+60x{DAY}",
}

# What becomes of one of them from minute 30 on, and the alert at minute 120.
FAULTS = [
    ("subscription_expiry", "172800+60x29 0x200", "CallhookSubscriptionEnds"),
    ("silence_alarm", "0x29 1x200", "CallhookSilence"),
    ("gap_open", "0x29 1x200", "CallhookGapOpen"),
    ("receiver_up", "1x29 0x200", "CallhookReceiverDead"),
    ("spool_bytes", "0x29 100+100x200", "CallhookSpoolGrowing"),
    ("over_3s", "0x110 1+1x90", "CallhookAnswersOver3s"),
    ("database_up", "1x29 0x200", "CallhookDatabaseDown"),
    ("mtime", "0+60x29 1800x200", "CallhookRunsStopped"),
]


def rule_test(name, series, firing, minutes):
    """One of promtool's tests. (JSON is YAML.)"""
    return {
        "name": name, "interval": "1m",
        "input_series": [{"series": key, "values": values}
                         for key, values in series.items()],
        "promql_expr_test": [{
            "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
            "eval_time": f"{minute}m",
            "exp_samples": [{"labels": f'{{alertname="{alert}"}}', "value": 1}
                            for alert in firing]} for minute in minutes]}


@pytest.mark.no_program
@pytest.mark.skipif(not shutil.which("promtool"), reason="no promtool")
def test_alerts_fire_when_they_should(tmp_path):
    tests = [rule_test("a day", WELL, [], range(0, DAY, 10))]
    for part, values, alert in FAULTS:
        series = {key: values if part in key else well
                  for key, well in WELL.items()}
        assert series != WELL
        tests.append(rule_test(alert, series, [alert], [120]))
    path = tmp_path / "tests.yml"
    path.write_text(json.dumps({
        "rule_files": [str(RULES)], "evaluation_interval": "1m",
        "tests": tests}))
    done = subprocess.run(["promtool", "test", "rules", str(path)], text=True,
                          capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
