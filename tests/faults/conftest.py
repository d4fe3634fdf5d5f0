"""Servers for the fault tests: those of the end to end tests, and a sender."""

import importlib.util
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
E2E = HERE.parent / "e2e"
sys.path[:0] = [str(HERE), str(E2E), str(HERE.parent)]


def _load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_e2e = _load("e2e_conftest", E2E / "conftest.py")
folder = _e2e.folder
cluster = _e2e.cluster
database = _e2e.database
pytest_runtest_makereport = _e2e.pytest_runtest_makereport

import trial  # noqa: E402  (only now is it on the path)


@pytest.fixture(scope="session")
def tools(folder):
    """The small C programs of these tests."""
    return trial.build_tools(folder)


@pytest.fixture(autouse=True)
def _cluster_is_back(request):
    """A test that failed must not leave the next one without a database."""
    yield
    if "cluster" in request.fixturenames:
        trial.make_available(request.getfixturevalue("cluster"))


@pytest.fixture
def begin(folder, database, tools, record_property):
    """Start a trial: a receiver with a spool, nginx, and what sends to it."""
    with trial.Trials(folder, tools, database, record_property) as trials:
        yield trials.begin


@pytest.fixture
def small_disk(folder):
    """Make file systems of a given size, which are gone afterwards."""
    with trial.SmallDisks(folder) as disks:
        if not disks.possible():
            pytest.skip("tmpfs cannot be mounted here: " + disks.why)
        yield disks.make


def pytest_terminal_summary(terminalreporter):
    """What each trial counted, also from the workers of xdist."""
    lines = []
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") == "teardown":
                lines += [f"{report.nodeid.rpartition('::')[2]}: {value}"
                          for name, value in report.user_properties
                          if name == "counts"]
    if lines:
        terminalreporter.section("items")
        for line in sorted(lines):
            terminalreporter.write_line(line)
