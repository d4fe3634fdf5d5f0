"""make install and make uninstall: what people have edited stays theirs, and
no web server stops starting."""

import os
import re
import shutil
import subprocess

import pytest

from support import apache, nginx
from support.project import ROOT

# The files are copied, not run.
pytestmark = pytest.mark.no_program

OWN = ("etc/callhook/nginx/callhook.conf",
       "etc/callhook/nginx/addresses/graph-addresses.conf",
       "etc/callhook/apache/callhook.conf",
       "etc/callhook/apache/addresses/graph-addresses.conf",
       "etc/cron.d/callhook", "etc/cron.d/callhook-renewer")
SHARE = "usr/local/share/callhook"


def make(root, *targets):
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    done = subprocess.run(["make", *targets, f"DESTDIR={root}"], cwd=ROOT,
                          env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def install(root):
    """All of `make install` but the build."""
    return make(root, "install-files", "install-cron")


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    root = tmp_path_factory.mktemp("fresh")
    install(root)
    return root


@pytest.fixture
def root(fresh, tmp_path):
    copy = tmp_path / "root"
    shutil.copytree(fresh, copy, symlinks=True)
    return copy


def test_what_is_installed(root):
    for path in OWN:
        assert (root / path).stat().st_mode & 0o777 == 0o644
    for path in ("usr/local/sbin/callhook", f"{SHARE}/sql/install.sql",
                 f"{SHARE}/apache/cgi.conf", f"{SHARE}/nginx/example-site.conf",
                 "lib/systemd/system/callhook.socket"):
        assert (root / path).exists()


def test_nothing_edited_nothing_said(root):
    assert "kept" not in install(root)


def test_edits_are_kept(root):
    for path in OWN:
        (root / path).write_text("# mine\n")
    said = install(root)
    for path in OWN:
        assert (root / path).read_text() == "# mine\n"
        assert f"kept, because it was edited: /{path} " in said


def test_what_was_not_edited_is_brought_up_to_date(root):
    """The copy below share says how it was handed out."""
    new = {path: (root / path).read_text() for path in OWN}
    copies = ("nginx/callhook.conf", "nginx/graph-addresses.conf",
              "apache/proxy-fcgi.conf", "apache/graph-addresses.conf",
              "cron/callhook", "cron/callhook-renewer")
    for path, copy in zip(OWN, copies):
        for old in (root / path, root / SHARE / copy):
            old.write_text("# of an older version\n")
    assert "kept" not in install(root)
    assert {path: (root / path).read_text() for path in OWN} == new


def test_uninstall_leaves_settings_and_nothing_else(root):
    (root / "etc/callhook/callhook.env").write_text("PGDATABASE=callhook\n")
    make(root, "uninstall")
    left = {str(path.relative_to(root)) for path in root.rglob("*")
            if path.is_file()}
    assert left == {"etc/callhook/callhook.env", *OWN[:4]}


def test_an_edited_cron_file_outlives_uninstall_and_does_not_run(root):
    (root / OWN[4]).write_text("# mine\n")
    assert "/etc/cron.d/callhook.edited" in make(root, "uninstall")
    assert not (root / OWN[4]).exists()
    assert not (root / OWN[5]).exists()
    assert (root / "etc/cron.d/callhook.edited").read_text() == "# mine\n"


def starts_nginx(root, folder, include):
    """Whether nginx takes a site with this include."""
    folder.mkdir(exist_ok=True)
    (folder / "nginx.conf").write_text(
        f"pid {folder}/pid;\nevents {{}}\nhttp {{\n"
        f"    access_log off;\n    client_body_temp_path {folder}/body;\n"
        f"    fastcgi_temp_path {folder}/f;\n    proxy_temp_path {folder}/p;\n"
        f"    uwsgi_temp_path {folder}/u;\n    scgi_temp_path {folder}/s;\n"
        f"    server {{\n        listen unix:{folder}/socket;\n"
        f"        include {include};\n    }}\n}}\n")
    return subprocess.run(
        [nginx.Nginx._program(), "-t", "-q", "-p", folder, "-e",
         folder / "log", "-c", folder / "nginx.conf"],
        capture_output=True).returncode == 0


def starts_apache(root, folder, include):
    folder.mkdir(exist_ok=True)
    (folder / "apache.conf").write_text(
        apache.load_modules(*apache.BASE_MODULES,
                            *apache.KINDS["proxy-fcgi"])
        + f"ServerRoot {folder}\nServerName localhost\n"
        f"PidFile {folder}/pid\nErrorLog {folder}/log\n"
        f"Listen 127.0.0.1:1\nIncludeOptional {include}\n")
    return subprocess.run([apache.program(), "-t", "-f",
                           folder / "apache.conf"],
                          capture_output=True).returncode == 0


def test_web_servers_start_after_uninstall(root, tmp_path):
    """Also where somebody has removed the settings."""
    def both_start():
        return (starts_nginx(root, tmp_path / "nginx",
                             root / "etc/callhook/nginx/*.conf")
                and starts_apache(root, tmp_path / "apache",
                                  root / "etc/callhook/apache/*.conf"))

    assert both_start()
    make(root, "uninstall")
    assert both_start()
    shutil.rmtree(root / "etc/callhook")
    assert both_start()


def test_what_a_web_server_names_is_left(root, tmp_path):
    """A site that includes the ready file itself, as the manual once said."""
    site = root / "etc/nginx/sites-available/callhook"
    site.parent.mkdir(parents=True)
    site.write_text(f"include /{SHARE}/nginx/callhook.conf;\n")
    said = make(root, "uninstall")
    assert f"left: /{SHARE}/nginx, for a web server names it" in said
    assert starts_nginx(root, tmp_path / "nginx",
                        root / SHARE / "nginx/callhook.conf")
    assert not (root / SHARE / "apache").exists()
    assert not (root / SHARE / "sql").exists()


@pytest.mark.parametrize("server, folder", [
    ("nginx", "nginx/conf.d"), ("apache", "apache2/sites-available")])
def test_a_comment_of_the_example_site_names_nothing(root, server, folder):
    site = root / "etc" / folder / "callhook.conf"
    site.parent.mkdir(parents=True)
    shutil.copy(root / SHARE / server / "example-site.conf", site)
    assert "left: /" not in make(root, "uninstall")
    assert not (root / SHARE).exists()


def test_the_release_has_one_name():
    """In the Makefile, the package's changelog and the schema."""
    release = re.search(r"^VERSION = (.*)$", (ROOT / "Makefile").read_text(),
                        re.M)[1]
    assert (ROOT / "debian/changelog").read_text().startswith(
        f"callhook ({release}) ")
    assert f"'callhook {release}: " in (ROOT / "sql/schema.sql").read_text()


def test_cron_or_the_timer_never_both():
    for unit in ("service", "timer"):
        text = (ROOT / f"renewer/callhook-renewer.{unit}").read_text()
        assert ("\nConditionPathExists=!/etc/cron.d/callhook-renewer\n"
                in text)
    assert "--no-enable --no-stop-on-upgrade callhook-renewer.timer" in (
        ROOT / "debian/rules").read_text()
