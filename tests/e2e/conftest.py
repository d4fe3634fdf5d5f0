"""Servers for the tests: one cluster a worker, a database for who needs it."""

import contextlib
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import servers  # noqa: E402  (only now is it on the path)
from renewer_world import World  # noqa: E402

LOG_LINES = 60


@pytest.fixture(scope="session")
def folder():
    with servers.temporary_folder() as path:
        yield path


@pytest.fixture(scope="session")
def cluster(folder):
    with servers.Cluster(folder) as started:
        yield started


@pytest.fixture(scope="session")
def site(folder, cluster):
    """nginx, a receiver with default settings and a database.

    Shared by a worker's tests: each makes subscriptions of its own."""
    with servers.Site(folder, cluster.create_database()) as started:
        yield started


@pytest.fixture
def subscription(site):
    return site.subscribe()


@pytest.fixture
def world(folder, site):
    """Graph's double and a renewer, before the shared site."""
    with World(folder, site) as made:
        yield made


@pytest.fixture
def tenant(world):
    return world.add()


@pytest.fixture
def database(cluster):
    """A database for one test."""
    made = cluster.create_database()
    yield made
    cluster.drop_database(made.name)


@pytest.fixture
def launch(folder, database):
    """Start a receiver with settings of its own on the test's database."""
    with contextlib.ExitStack() as stack:
        def start(*, beside=None, user="test_receiver", **settings):
            return stack.enter_context(servers.Receiver(
                folder, database.environment(user), settings, beside=beside))

        yield start


@pytest.fixture(params=["nginx", "cgi"])
def door(request, site):
    """A way to send one request: through nginx, or to a CGI program."""
    def through_nginx(method, query="", body=b""):
        target = "/callhook" + ("?" + query if query else "")
        return site.nginx.request(method, target, body or None,
                                  servers.JSON_TYPE)

    def to_cgi(method, query="", body=b""):
        return servers.run_cgi(site.database.environment(), method=method,
                               query=query, body=body)

    return through_nginx if request.param == "nginx" else to_cgi


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """Show the end of each running server's log when a test has failed."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for service in servers.running:
            lines = service.log().splitlines()[-LOG_LINES:]
            title = f"{service.name} {service.log_path.name}"
            report.sections.append((title, "\n".join(lines)))
