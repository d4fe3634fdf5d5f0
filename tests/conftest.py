"""Servers for the tests: one cluster a worker, a database for who needs it."""

import contextlib

import pytest

from graph import GraphDouble
from support.notification import JSON_TYPE
from support.postgres import Cluster
from support.receiver import Receiver, run_cgi
from support.service import running, temporary_folder
from support.site import Site
from support.world import World

LOG_LINES = 60


@pytest.fixture(scope="session")
def folder():
    with temporary_folder() as path:
        yield path


@pytest.fixture(scope="session")
def cluster(folder):
    with Cluster(folder) as started:
        yield started


@pytest.fixture(scope="session")
def site(folder, cluster):
    """nginx, a receiver with default settings and a database.

    Shared by a worker's tests: each makes subscriptions of its own."""
    with Site(folder, cluster.create_database()) as started:
        yield started


@pytest.fixture
def subscription(site):
    return site.subscribe()


@pytest.fixture
def double(folder):
    """Graph's double; whatever it complains of is a fault of the test."""
    with GraphDouble(folder) as started:
        yield started
        assert started.violations == []


@pytest.fixture
def world(request, folder, site):
    """Graph's double and a renewer, before the shared site.

    Of another kind or with settings:
    pytest.mark.world(kind=RecordsWorld, records="off")."""
    marker = request.node.get_closest_marker("world")
    settings = {"kind": World, **(marker.kwargs if marker else {})}
    with settings.pop("kind")(folder, site, **settings) as made:
        yield made


@pytest.fixture
def tenant(request, world):
    """Of this test alone; marked `subscribed` it has a live subscription."""
    made = world.add()
    if request.node.get_closest_marker("subscribed"):
        world.asks()
    return made


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
            return stack.enter_context(Receiver(
                folder, database.environment(user), settings, beside=beside))

        yield start


@pytest.fixture(params=["nginx", "cgi"])
def door(request, site):
    """A way to send one request: through nginx, or to a CGI program."""
    def through_nginx(method, query="", body=b""):
        target = "/callhook" + ("?" + query if query else "")
        return site.nginx.request(method, target, body or None,
                                  JSON_TYPE)

    def to_cgi(method, query="", body=b""):
        return run_cgi(site.database.environment(), method=method,
                               query=query, body=body)

    return through_nginx if request.param == "nginx" else to_cgi


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """Show the end of each running server's log when a test has failed."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for service in running:
            lines = service.log().splitlines()[-LOG_LINES:]
            title = f"{service.name} {service.log_path.name}"
            report.sections.append((title, "\n".join(lines)))
