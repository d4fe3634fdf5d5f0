"""The drivers that reporting tools bring: psqlODBC and PostgreSQL JDBC list
the views and read each, and nothing that is not the reader's."""

import pathlib
import re
import shutil
import subprocess

import pytest

from support.company import reading
from support.project import ROOT
from support.proxy import Proxy
from support.record_store import Store
from support.small_company import Company

pytestmark = pytest.mark.no_program

JAR = pathlib.Path("/usr/share/java/postgresql.jar")
README = (ROOT / "sql/reports/README.md").read_text()


@pytest.fixture(scope="module")
def store(cluster):
    made = cluster.create_database()
    made.execute(";".join(map(reading, Company().records[:10])),
                 "test_renewer")
    yield Store(made)
    cluster.drop_database(made.name)


def views(store):
    """How many columns each view has."""
    return {row["view"]: row["columns"] for row in store.database.query("""
        SELECT relname AS view, count(*) AS columns FROM pg_class AS c
        JOIN pg_attribute ON attrelid = c.oid AND attnum > 0
        WHERE relnamespace = 'callhook'::regnamespace AND relkind = 'v'
        GROUP BY 1""")}


def connection_string(store, start, values):
    """The one that the README shows, with this test's values."""
    [shown] = [line.strip() for line in README.splitlines()
               if line.strip().startswith(start)]
    for old, new in values.items():
        assert old in shown, shown
        shown = shown.replace(old, new)
    return shown


def port_of(proxy):
    return str(proxy.environment()["PGPORT"])


# --- ODBC ---

@pytest.fixture(scope="module")
def odbc(store):
    pyodbc = pytest.importorskip("pyodbc")
    if "PostgreSQL Unicode" not in pyodbc.drivers():
        pytest.skip("odbc-postgresql is not installed")
    with Proxy(store.database.cluster) as proxy:
        to = pyodbc.connect(connection_string(store, "Driver=", {
            "db.example.com": "127.0.0.1", "5432": port_of(proxy),
            "Database=callhook": f"Database={store.database.name}",
            "reporting": "test_reader",
            "sslmode=verify-full": "sslmode=disable"}))
        yield to
        to.close()


def test_odbc_lists_and_reads_the_views(store, odbc):
    wanted = views(store)
    listed = {row.table_name for row in odbc.cursor().tables(
        schema="callhook", tableType="VIEW")}
    assert listed == set(wanted)
    rows = 0
    for view in sorted(wanted):
        if view == "raw_pages":
            continue
        cursor = odbc.cursor().execute(
            f"SELECT * FROM callhook.{view} LIMIT 3")
        assert len(cursor.description) == wanted[view]
        rows += len(cursor.fetchall())
    assert rows > 30


def test_odbc_is_refused_what_is_not_the_readers(odbc):
    for name in ("callhook.raw_pages", "callhook_store.calls"):
        with pytest.raises(Exception, match="permission denied"):
            odbc.cursor().execute(f"SELECT * FROM {name}")
        odbc.rollback()


# --- JDBC ---

@pytest.fixture(scope="module")
def jdbc(store, tmp_path_factory):
    """What the driver lists and reads, given further options of its URL."""
    if not (JAR.exists() and shutil.which("javac")):
        pytest.skip("libpostgresql-jdbc-java or a JDK is not installed")
    classes = tmp_path_factory.mktemp("classes")
    subprocess.run(["javac", "-d", classes,
                    ROOT / "tests/support/JdbcViews.java"], check=True)

    def ask(hide):
        with Proxy(store.database.cluster) as proxy:
            url = connection_string(store, "jdbc:postgresql:", {
                "db.example.com:5432": f"127.0.0.1:{port_of(proxy)}",
                "/callhook?": f"/{store.database.name}?",
                "user=reporting": "user=test_reader",
                "sslmode=verify-full": "sslmode=disable"})
            if not hide:
                url = url.replace("hideUnprivilegedObjects=true",
                                  "hideUnprivilegedObjects=false")
            done = subprocess.run(
                ["java", "-cp", f"{classes}:{JAR}", "JdbcViews", url],
                text=True, capture_output=True, timeout=120)
        assert (done.returncode, done.stderr) == (0, "")
        return [line.split("\t") for line in done.stdout.splitlines()]

    return ask


def test_jdbc_lists_what_can_be_read_and_reads_it(store, jdbc):
    wanted = views(store)
    del wanted["raw_pages"]
    found = jdbc(hide=True)
    assert {schema for schema, *_ in found} == {"callhook"}
    assert {name for _, name, *_ in found} == set(wanted)
    rows = 0
    for _, name, commented, comments, columns, read in found:
        assert commented == "true", name
        assert int(comments) == int(columns) == wanted[name], name
        rows += int(read)
    assert rows > 30


def test_jdbc_is_refused_what_it_lists_besides(store, jdbc):
    found = jdbc(hide=False)
    listed = {f"{schema}.{name}" for schema, name, *_ in found}
    assert listed >= {"callhook_store.calls", "callhook.raw_pages",
                      *(f"callhook.{view}" for view in views(store))}
    for schema, name, _, _, columns, read in found:
        readable = schema == "callhook" and name != "raw_pages"
        assert (columns != "-1") is readable, name
        assert readable or read == "42501"


# --- What installs them ---

def test_the_drivers_come_with_all_and_not_with_check():
    text = (ROOT / "tests/install-packages").read_text()
    lists = {name: re.search(f"^{name}='([^']*)'", text, re.M)[1].split()
             for name in ("build", "check", "all")}
    drivers = {"default-jdk-headless", "libpostgresql-jdbc-java",
               "odbc-postgresql", "python3-pyodbc"}
    assert drivers <= set(lists["all"])
    assert not drivers & {*lists["build"], *lists["check"]}
