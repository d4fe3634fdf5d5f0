"""A private Apache with one of the project's own configurations.

Like the other servers here: a folder and a port of its own, entered when
it is ready, left when it has ended.
"""

import contextlib
import http.client
import os
import pwd
import shutil
import signal
import socket

from support.answers import read_answer
from support.notification import JSON_TYPE, collection
from support.project import PROGRAM, ROOT
from support.service import (Service, Trouble, minimal_environment,
                             next_number)

APACHE = ROOT / "apache"
MODULES = "/usr/lib/apache2/modules"
INSTALLED = "/etc/callhook/apache/addresses"

# What each configuration needs besides the modules that all servers have.
KINDS = {
    "fcgid": ["fcgid"],
    "proxy-fcgi": ["proxy", "proxy_fcgi"],
    "cgi": ["cgid"],
    "shared-host": ["cgid"],
}
CGI_KINDS = ("cgi", "shared-host")
BASE_MODULES = ["mpm_event", "authz_core", "authz_host", "alias", "env",
                "remoteip", "reqtimeout"]


def program():
    found = shutil.which("apache2") or "/usr/sbin/apache2"
    if not os.access(found, os.X_OK):
        raise Trouble("no Apache found (Debian: apache2)")
    return found


def load_modules(*names):
    return "".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so\n"
                   for name in names)


class Apache(Service):
    """An Apache that serves /callhook in one of the ways of apache/.

    kind: which one. settings: PG... and CALLHOOK_... variables, for those
    whose processes Apache starts. socket_path: the receiver's, for
    proxy-fcgi. firewall: with ModSecurity and Debian's rules, which block.
    The address in X-Test-Client, if there is one, is the client's."""

    name = "apache"
    source = PROGRAM
    stop_signal = signal.SIGTERM

    def __init__(self, folder, kind, settings=(), socket_path=None, *,
                 firewall=False):
        super().__init__(folder)
        self.kind = kind
        self.firewall = firewall
        self.settings = dict(settings)
        self.socket_path = socket_path
        self.home = self.folder / f"apache{next_number()}"
        self.program = self.home / "bin" / "callhook"
        self.path = "/callhook"
        self.port = None

    # The database's user can reach its socket; so it is Apache's user, too.
    @property
    def user(self):
        name = "postgres" if os.geteuid() == 0 else None
        return pwd.getpwnam(name) if name else pwd.getpwuid(os.geteuid())

    def own(self, path, mode):
        """Give a file to Apache's user."""
        os.chmod(path, mode)
        if os.geteuid() == 0:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def make_folder(self, name, mode=0o700):
        path = self.home / name
        path.mkdir()
        self.own(path, mode)
        return path

    def start(self):
        if not self.home.exists():
            self._prepare()
        # Another process may take the port between our choice and Apache's
        # bind; then it is another port.
        for attempt in range(5):
            if self.port is None:
                self.port = self._free_port()
            (self.home / "apache.conf").write_text(self._configuration())
            try:
                self.spawn([program(), "-f", self.home / "apache.conf",
                            "-D", "FOREGROUND"])
                return
            except Trouble as trouble:
                if attempt == 4 or "Address already in use" not in str(
                        trouble):
                    raise
                self.port = None

    @staticmethod
    def _free_port():
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]

    def _prepare(self):
        self.home.mkdir(mode=0o755)
        self.home.chmod(0o755)
        self.make_folder("bin", 0o755)
        shutil.copy(self.source, self.program)
        self.program.chmod(0o755)
        self.make_folder("run")
        self.make_folder("spool")
        self.make_folder("ipc")
        self.make_folder("modsecurity")
        if self.socket_path:
            self.own(self.socket_path, 0o660)
        if self.kind == "shared-host":
            self._prepare_account()
        else:
            given = (APACHE / f"{self.kind}.conf").read_text()
            (self.home / "callhook.conf").write_text(self.localise(given))

    def localise(self, text):
        """A configuration of ours, with this server's paths."""
        for path, own in (("/usr/local/sbin/callhook", self.program),
                          ("/run/callhook/callhook.sock", self.socket_path),
                          (INSTALLED, APACHE)):
            text = text.replace(path, str(own))
        return text

    def _prepare_account(self):
        """An account as shared hosts have it, by the README."""
        account = self.make_folder("account")
        folder = self.make_folder("account/callhook")
        self.make_folder("account/callhook/spool")
        self.make_folder("account/www")
        web = self.make_folder("account/www/cgi-bin")
        shutil.copy(self.source, folder / "callhook")
        (folder / "callhook.env").write_text("".join(
            f"{name}='{value}'\n" for name, value in self.settings.items()))
        wrapper = (APACHE / "shared-host.cgi").read_text()
        (web / "callhook.cgi").write_text(
            wrapper.replace("/home/me", str(account)))
        shutil.copy(APACHE / "shared-host.htaccess", web / ".htaccess")
        for path, mode in ((folder / "callhook", 0o700),
                           (folder / "callhook.env", 0o600),
                           (web / "callhook.cgi", 0o700),
                           (web / ".htaccess", 0o644)):
            self.own(path, mode)
        self.path = "/cgi-bin/callhook.cgi"

    def _configuration(self):
        home = self.home
        identity = (f"User {self.user.pw_name}\n"
                    f"Group #{self.user.pw_gid}\n")
        return (load_modules(*BASE_MODULES, *KINDS[self.kind])
                + f"ServerRoot {home}\nServerName localhost\n"
                f"PidFile {home}/apache.pid\nDefaultRuntimeDir {home}/run\n"
                f"ErrorLog {self.log_path}\nLogLevel warn\n"
                f"Listen 127.0.0.1:{self.port}\n"
                + (identity if os.geteuid() == 0 else "")
                + "StartServers 1\nServerLimit 8\nThreadsPerChild 32\n"
                "MinSpareThreads 32\nMaxSpareThreads 128\n"
                "MaxRequestWorkers 128\nKeepAlive On\n"
                "RemoteIPHeader X-Test-Client\n"
                "RemoteIPTrustedProxy 127.0.0.1\n"
                '<Directory "/">\n    AllowOverride None\n'
                "    Require all denied\n</Directory>\n"
                + (self._modsecurity() if self.firewall else "")
                + getattr(self, "_" + self.kind.replace("-", "_"))())

    def _modsecurity(self):
        """As Debian's packages set it up, but blocking."""
        return (load_modules("unique_id", "security2")
                + f"SecDataDir {self.home}/modsecurity\n"
                "Include /etc/modsecurity/modsecurity.conf-recommended\n"
                "SecRuleEngine On\nSecAuditEngine Off\n"
                "Include /usr/share/modsecurity-crs/*.load\n")

    def _fcgid(self):
        return (f"FcgidIPCDir {self.home}/ipc\n"
                f"FcgidProcessTableFile {self.home}/ipc/table\n"
                f"Include {self.home}/callhook.conf\n"
                + "".join(f'FcgidInitialEnv {name} "{value}"\n'
                          for name, value in self._environment().items()))

    def _proxy_fcgi(self):
        return f"Include {self.home}/callhook.conf\n"

    def _cgi(self):
        return (f"ScriptSock {self.home}/run/cgisock\n"
                f"Include {self.home}/callhook.conf\n"
                '<Location "/callhook">\n'
                + "".join(f'    SetEnv {name} "{value}"\n'
                          for name, value in self._environment().items())
                + "</Location>\n")

    def _shared_host(self):
        """What a hoster has set up before anybody comes."""
        web = self.home / "account" / "www"
        return (f"ScriptSock {self.home}/run/cgisock\n"
                f'DocumentRoot "{web}"\n'
                f'<Directory "{web}">\n    AllowOverride All\n'
                "    Require all granted\n</Directory>\n"
                f'ScriptAlias "/cgi-bin/" "{web}/cgi-bin/"\n')

    def _environment(self):
        """The sanitizers' options too: a CGI program inherits nothing."""
        kept = minimal_environment(self.settings)
        kept.pop("PATH")
        return {"CALLHOOK_SPOOL": str(self.home / "spool"), **kept}

    def ready(self):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return (self.alive() and (self.home / "apache.pid").exists()
                    and (self.kind not in CGI_KINDS or self._daemon_ready()))
        return False

    def _daemon_ready(self):
        """mod_cgid's daemon gives its socket away after it has made it; who
        comes between gets 503 (EACCES, which mod_cgid does not try again)."""
        return any(path.stat().st_uid == self.user.pw_uid
                   for path in (self.home / "run").glob("cgisock*"))

    def graceful(self):
        """What `apache2ctl graceful` does."""
        self.process.send_signal(signal.SIGUSR1)

    def connection(self, seconds=30):
        return http.client.HTTPConnection("127.0.0.1", self.port,
                                          timeout=seconds)

    def request(self, method, end="", body=None, headers=(), seconds=30,
                **options):
        """One HTTP request, to what stands behind the path, and its answer."""
        connection = self.connection(seconds)
        try:
            connection.request(method, self.path + end, body, dict(headers),
                               **options)
            return read_answer(connection)
        finally:
            connection.close()

    def post(self, body, end="", **headers):
        return self.request("POST", end, body,
                            {**JSON_TYPE, **headers})

    def send(self, *items, seconds=30):
        """The items as one notification, and the answer."""
        return self.request("POST", "", collection(*items),
                            JSON_TYPE, seconds)
