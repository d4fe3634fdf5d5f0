"""callhook --check names what a receiver lacks."""

import os
import subprocess
import tempfile

import pytest

from support.postgres import Cluster
from support.project import PROGRAM
from support.receiver import run_program
from support.service import minimal_environment, wait_until

# What to do, behind what is wrong.
ADVICE = ": CALLHOOK_SPOOL is a folder of the receiver's user, mode 0700"
GRANT = ("what the role lacks comes from sql/install.sql, run again, and "
         "GRANT callhook_receiver to the role")


@pytest.fixture
def settings(database, tmp_path):
    spool = tmp_path / "spool"
    spool.mkdir(mode=0o700)
    return [database.environment(), {"CALLHOOK_SPOOL": spool}]


def check(*settings):
    done = run_program("--check", settings=settings)
    lines = done.stdout.decode().splitlines()
    return done.returncode, [line for line in lines
                             if not line.startswith("weak: ")], lines


def test_all_is_well(settings, tmp_path):
    status, faults, _ = check(*settings)
    assert (status, faults) == (0, [])
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_bad_setting(settings):
    done = run_program("--check", settings=[*settings,
                                            {"CALLHOOK_ACK_MS": "x"}])
    assert done.returncode == 78
    assert b"CALLHOOK_ACK_MS" in done.stderr


def test_a_list_of_hosts_without_a_standby_is_weak(settings):
    _, _, lines = check(*settings)
    assert not any("standby" in line for line in lines)
    home = settings[0]["PGHOST"]
    status, faults, lines = check(*settings, {"PGHOST": f"{home},{home}"})
    assert (status, faults) == (0, [])
    assert any("weak: the connection names 2 hosts, and this server waits for "
               "no standby" in line for line in lines)


@pytest.mark.parametrize("order", ["{0},{1}", "{1},{0}"])
def test_a_host_of_the_list_that_is_away_is_weak(settings, order):
    hosts = order.format(settings[0]["PGHOST"], "/nowhere")
    status, faults, lines = check(*settings, {"PGHOST": hosts})
    assert (status, faults) == (0, [])
    assert any(line.startswith("weak: the database cannot be reached")
               and "/nowhere" in line for line in lines)


def test_a_standby_of_the_list_is_nothing_to_tell(settings, folder, database):
    with Cluster(folder) as other:
        other.execute("CREATE ROLE test_receiver LOGIN")
        other.execute(f"CREATE DATABASE {database.name}")
        other.execute(f"ALTER DATABASE {database.name} "
                      "SET default_transaction_read_only = on")
        hosts = f"{other.home},{settings[0]['PGHOST']}"
        status, faults, lines = check(*settings, {"PGHOST": hosts})
    assert (status, faults) == (0, [])
    assert not any("read-only" in line for line in lines)


def test_no_spool_is_weak(settings):
    status, faults, lines = check(*settings, {"CALLHOOK_SPOOL": ""})
    assert (status, faults) == (0, [])
    assert any("no spool" in line for line in lines)


def test_a_spool_that_is_not_there(settings, tmp_path):
    missing = tmp_path / "missing"
    status, faults, _ = check(*settings, {"CALLHOOK_SPOOL": missing})
    assert status == 1
    assert faults == [f"{missing}: No such file or directory{ADVICE}"]


def test_a_spool_that_does_not_keep_names(settings, tmp_path):
    """The fsync of the folder fails."""
    done = subprocess.run(
        ["strace", "-f", "-o", "/dev/null", "-P", tmp_path / "spool", "-e",
         "inject=fsync:error=EIO", PROGRAM, "--check"], text=True,
        env=minimal_environment(*settings, {
            "ASAN_OPTIONS": "detect_leaks=0"}), capture_output=True)
    assert done.returncode == 1
    assert f"{tmp_path / 'spool'}: Input/output error" in done.stdout
    assert os.listdir(tmp_path / "spool") == []


@pytest.mark.parametrize("mode", [0o770, 0o707])
def test_a_spool_that_others_can_write_to(settings, tmp_path, mode):
    (tmp_path / "spool").chmod(mode)
    status, faults, _ = check(*settings)
    assert status == 1
    assert faults == [f"{tmp_path / 'spool'}: others can write to it{ADVICE}"]


def test_a_database_that_is_not_there(settings, tmp_path):
    status, faults, _ = check(*settings, {"PGHOST": tmp_path})
    assert status == 1
    assert "the database cannot be reached" in faults[0]


def test_both_faults_are_named(settings, tmp_path):
    status, faults, _ = check(*settings, {"PGHOST": tmp_path,
                                          "CALLHOOK_SPOOL": tmp_path / "no"})
    assert status == 1
    assert len(faults) == 2


def test_what_a_service_sets(settings, tmp_path):
    """It goes before our own defaults."""
    given, spool = settings
    (tmp_path / "services").write_text(
        f"[calls]\nhost={given['PGHOST']}\ndbname={given['PGDATABASE']}\n"
        f"user={given['PGUSER']}\ntarget_session_attrs=standby\n")
    status, faults, _ = check(spool, {"PGSERVICE": "calls", "PGSERVICEFILE":
                                      tmp_path / "services"})
    assert status == 1
    assert "server is not in hot standby mode" in faults[0]


def test_a_read_only_server(settings, database):
    database.execute(f"ALTER DATABASE {database.name} "
                     "SET default_transaction_read_only = on")
    for session in ({}, {"PGTARGETSESSIONATTRS": "any"}):
        status, faults, _ = check(*settings, session)
        assert status == 1
        assert "read-only" in faults[0]


@pytest.mark.parametrize(("taken", "named"), [
    ("INSERT ON callhook_store.notifications",
     "INSERT on callhook_store.notifications"),
    ("EXECUTE ON FUNCTION callhook_store.missing_rights",
     "EXECUTE on callhook_store.missing_rights"),
    ("EXECUTE ON FUNCTION callhook_store.good_secrets",
     "EXECUTE on callhook_store.good_secrets"),
    ("EXECUTE ON FUNCTION callhook_store.add_minute",
     "EXECUTE on callhook_store.add_minute"),
    ("EXECUTE ON FUNCTION callhook_store.add_refusals",
     "EXECUTE on callhook_store.add_refusals"),
])
def test_a_right_that_is_missing(settings, database, taken, named):
    database.execute(f"REVOKE {taken} FROM callhook_receiver")
    status, faults, _ = check(*settings)
    assert (status, faults) == (1, [f"the role lacks {named}", GRANT])


def test_a_right_that_everybody_had_is_missing(settings, database):
    """PostgreSQL's own function, whose arguments differ by its version."""
    database.execute("""DO $$ BEGIN EXECUTE (
        SELECT 'REVOKE EXECUTE ON FUNCTION '
               || string_agg(oid::regprocedure::text, ', ') || ' FROM PUBLIC'
        FROM pg_proc WHERE proname = 'pg_logical_emit_message'); END $$""")
    status, faults, _ = check(*settings)
    assert (status, faults) == (
        1, ["the role lacks EXECUTE on pg_logical_emit_message"])


@pytest.mark.parametrize("comment", [
    "callhook 0.0.9: tables of its programs.", "somebody's own words"])
def test_an_older_schema_is_weak(settings, database, comment):
    """It works; but somebody should run install.sql."""
    escaped = comment.replace("'", "''")
    database.execute(f"COMMENT ON SCHEMA callhook_store IS '{escaped}'")
    status, faults, lines = check(*settings)
    assert (status, faults) == (0, [])
    assert [line for line in lines if "run install.sql again" in line]


def test_todays_schema_is_not_older(settings):
    """sql/schema.sql names the release that the Makefile does."""
    _, _, lines = check(*settings)
    assert not [line for line in lines if "schema" in line]


def test_a_newer_minor_release_of_the_schema_is_nothing_to_tell(settings,
                                                                 database):
    database.execute("COMMENT ON SCHEMA callhook_store IS 'callhook 0.10.0: x'")
    _, _, lines = check(*settings)
    assert not [line for line in lines if "schema" in line]


def test_no_right_to_the_schema(settings, database):
    database.execute("REVOKE USAGE ON SCHEMA callhook_store "
                     "FROM callhook_receiver")
    status, faults, _ = check(*settings)
    assert status == 1
    assert faults == ["the schema callhook_store cannot be used: 42501, the "
                      "role has no right to it: GRANT callhook_receiver to "
                      "the role"]


def test_a_database_without_our_schema(settings):
    status, faults, _ = check(*settings, {"PGDATABASE": "postgres"})
    assert status == 1
    assert faults == ["the schema callhook_store cannot be used: 3F000, "
                      "sql/install.sql has not been run in this database"]


def test_an_unlogged_table_is_weak(settings, database):
    database.execute("ALTER TABLE callhook_store.notifications_default "
                     "SET UNLOGGED")
    status, faults, lines = check(*settings)
    assert (status, faults) == (0, [])
    assert any("unlogged" in line for line in lines)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")
def test_a_spool_in_memory_is_weak(settings):
    with tempfile.TemporaryDirectory(dir="/dev/shm") as spool:
        status, faults, lines = check(*settings, {"CALLHOOK_SPOOL": spool})
    assert (status, faults) == (0, [])
    assert any("in memory" in line for line in lines)


@pytest.mark.parametrize(("taken", "said"), [
    ("INSERT ON callhook_store.notifications", "takes no rows: 42501"),
    ("EXECUTE ON FUNCTION callhook_store.good_secrets",
     "the secrets cannot be read: 42501")])
def test_the_log_of_a_receiver_says_who_names_the_right(launch, database,
                                                        taken, said):
    database.execute(f"REVOKE {taken} FROM callhook_receiver")
    receiver = launch()
    wait_until(lambda: f"{said}, a right is missing: callhook --check names it"
               in receiver.log(), "what to do")
