"""What the fault tests need beside the servers: trials and small disks."""

import pytest

from support.freeze import make_available
from support.small_disks import SmallDisks
from support.trial import Trials, build_tools


@pytest.fixture(scope="session")
def tools(folder):
    """The small C programs of these tests."""
    return build_tools(folder)


@pytest.fixture(autouse=True)
def _cluster_is_back(request):
    """A test that failed must not leave the next one without a database."""
    yield
    if "cluster" in request.fixturenames:
        make_available(request.getfixturevalue("cluster"))


@pytest.fixture
def begin(folder, database, tools, record_property):
    """Start a trial: a receiver with a spool, nginx, and what sends to it."""
    with Trials(folder, tools, database, record_property) as trials:
        yield trials.begin


@pytest.fixture
def small_disk(folder):
    """Make file systems of a given size, which are gone afterwards."""
    with SmallDisks(folder) as disks:
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
