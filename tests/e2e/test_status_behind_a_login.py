"""The page that a run writes, served by the shipped lines of a web server."""

import base64
import shutil
import subprocess

import pytest

from support.apache import Apache, load_modules
from support.nginx import Nginx
from support.project import ROOT
from support.renewer import Renewer

PAGE = "/var/lib/callhook-status/index.html"
NAMES = "/etc/callhook/status.htpasswd"

pytestmark = pytest.mark.skipif(not shutil.which("htpasswd"),
                                reason="no htpasswd")


class ServesPage:
    """Adds status-page.conf, its two files being the server's own."""

    def serve(self, kind, page):
        given = (ROOT / kind / "status-page.conf").read_text()
        assert PAGE in given and NAMES in given
        shutil.copy(page, self.home / "index.html")
        subprocess.run(["htpasswd", "-cbB", self.home / "names", "admin",
                        "correct horse"], check=True, capture_output=True)
        for name in ("index.html", "names"):
            (self.home / name).chmod(0o644)
        (self.home / "status-page.conf").write_text(
            given.replace(PAGE, str(self.home / "index.html")).replace(
                NAMES, str(self.home / "names")))
        return f"include {self.home}/status-page.conf"


class PageNginx(ServesPage, Nginx):
    def _configuration(self, listen):
        line = self.serve("nginx", self.page)
        own = f"include {self.home}/callhook.conf;"
        made = super()._configuration(listen)
        assert own in made
        return made.replace(own, f"{own} {line};")


class PageApache(ServesPage, Apache):
    def _configuration(self):
        line = self.serve("apache", self.page)
        return (super()._configuration()
                + load_modules("auth_basic", "authn_core", "authn_file",
                               "authz_user", "mime")
                + f"TypesConfig /etc/mime.types\n{line}\n")


@pytest.fixture
def page(folder, database, double):
    """No receiver answers: the run fails, the page is written."""
    renewer = Renewer(folder, double, database,
                      notification_url="http://127.0.0.1:1/callhook")
    renewer.add("contoso")
    renewer.settings["status_page"] = renewer.folder / "index.html"
    assert renewer.run("run").status == 1
    return renewer.settings["status_page"]


@pytest.mark.parametrize("kind", ["nginx", "apache"])
def test_who_has_a_login_sees_the_page(folder, page, kind):
    assert page.stat().st_mode & 0o7777 == 0o644
    socket = folder / "none.sock"
    socket.touch()
    server = (PageNginx(folder, socket) if kind == "nginx"
              else PageApache(folder, "proxy-fcgi", {}, socket))
    server.page = page
    with server:
        server.path = "/callhook-status"
        for secret, status in ((None, 401), ("wrong", 401),
                               ("correct horse", 200)):
            word = base64.b64encode(f"admin:{secret}".encode()).decode()
            headers = {"Authorization": f"Basic {word}"} if secret else {}
            answer = (server.request("GET", server.path, headers=headers)
                      if kind == "nginx"
                      else server.request("GET", headers=headers))
            assert answer.status == status
            assert ("<svg" in answer.text) == (status == 200)
    assert answer.body == page.read_bytes()
    assert answer.headers["content-type"].startswith("text/html")
