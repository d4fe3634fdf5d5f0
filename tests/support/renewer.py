"""callhook-renewer for the tests: its files, and one run of it.

    renewer = Renewer(folder, double, database,
                      notification_url="http://127.0.0.1:…/callhook")
    contoso = renewer.add("contoso")
    done = renewer.run("run")
"""

import dataclasses
import os
import pathlib
import subprocess
import uuid

from graph.identity import ROLE, SCOPE
from graph.tls import client_certificate
from support.project import RENEWER
from support.service import (SANITIZERS, Trouble, minimal_environment,
                             next_number)


@dataclasses.dataclass(frozen=True)
class Done:
    status: int
    stdout: str
    stderr: str


@dataclasses.dataclass
class Tenant:
    """A [tenant] section: change `keys` and run again."""

    name: str
    tenant_id: str
    client_id: str
    keys: dict


def write_private(path, content):
    """A file of mode 0600 from its first byte on, never seen half written."""
    aside = path.with_name(path.name + f".{next_number()}")
    with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600),
              "w") as file:
        file.write(content)
    return aside.replace(path)


class Renewer:
    """A configuration against a double, and runs of the program with it.

    database: a Database, or None for none that could be reached.
    settings: keys of [callhook]; a value of None leaves a key out."""

    def __init__(self, folder, double, database=None, **settings):
        self.folder = pathlib.Path(folder) / f"renewer{next_number()}"
        self.folder.mkdir(mode=0o700)
        self.double = double
        self.database = database
        self.state_dir = self.folder / "state"
        self.state_dir.mkdir(mode=0o700)
        self.settings = {"state_dir": self.state_dir, **settings}
        self.tenants = {}
        self.path = self.folder / "renewer.conf"

    def add(self, name, *, tenant_id=None, client_id=None, secret=None,
            certificate=False, roles=(ROLE,), scope=SCOPE, **keys):
        """A tenant, registered at the double, with a secret (a random one
        if none is given) or with a certificate."""
        tenant_id = tenant_id or str(uuid.uuid4())
        client_id = client_id or str(uuid.uuid4())
        if certificate:
            proof = self._certificate(name)
            registered = {"certificate": proof["certificate_file"]}
        else:
            secret = secret or f"~Secret+{uuid.uuid4()}/&=%"
            proof = {"client_secret_file": write_private(
                self.folder / f"{name}.secret", secret + "\n")}
            registered = {"secret": secret}
        self.double.register(tenant_id, client_id, roles=roles, scope=scope,
                             **registered)
        made = Tenant(name, tenant_id, client_id, {
            "tenant_id": tenant_id, "client_id": client_id, **proof,
            "login_url": self.double.login_url,
            "graph_url": self.double.graph_url,
            "ca_file": self.double.ca_file, **keys})
        self.tenants[name] = made
        return made

    def _certificate(self, name):
        certificate_file, key_file = client_certificate(self.folder, name)
        return {"certificate_file": certificate_file,
                "private_key_file": key_file}

    def configuration(self):
        """The text of the file; tenants taken out are not in it."""
        sections = {"callhook": self.settings}
        for tenant in self.tenants.values():
            sections[f"tenant {tenant.name}"] = tenant.keys
        lines = []
        for title, keys in sections.items():
            lines.append(f"[{title}]")
            lines += [f"{key} = {value}" for key, value in keys.items()
                      if value is not None]
        return "\n".join(lines) + "\n"

    def environment(self, extra=()):
        """PG... variables; without a database those of no server."""
        if self.database:
            variables = self.database.environment("test_renewer")
        else:
            variables = {"PGHOST": self.folder / "no-server",
                         "PGDATABASE": "none", "PGUSER": "test_renewer"}
        return minimal_environment(variables, dict(extra))

    def start(self, *arguments, environment=()):
        """Start the program and do not wait: a Popen."""
        if not os.access(RENEWER, os.X_OK):
            raise Trouble(f"{RENEWER} is missing: run make first")
        write_private(self.path, self.configuration())
        # Should the tests be killed, the program ends as well.
        command = ["setpriv", "--pdeathsig", "KILL", RENEWER, "-c",
                   self.path, *arguments]
        return subprocess.Popen(
            [str(part) for part in command], cwd="/", text=True,
            errors="replace", stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=self.environment(environment))

    def finish(self, process, seconds=60):
        """Wait for its end; Trouble if it was not clean or told a secret."""
        try:
            stdout, stderr = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            stdout, stderr = process.communicate()
            raise Trouble(f"the renewer did not end in {seconds} s:\n"
                                  f"{stdout}{stderr}") from None
        if process.returncode < 0 or SANITIZERS.search(stderr):
            raise Trouble(
                f"the renewer ended with status {process.returncode}:\n"
                f"{stderr}")
        # `token` is there to print one; nothing else does.
        shown = stderr if "token" in process.args else stdout + stderr
        if self.double.leaks(shown):
            raise Trouble(f"a secret was told:\n{shown}")
        return Done(process.returncode, stdout, stderr)

    def run(self, *arguments, seconds=60, environment=()):
        """One run from start to end: status, stdout, stderr."""
        return self.finish(self.start(*arguments, environment=environment),
                           seconds)
