"""A Prometheus that watches a folder of metrics through a node exporter."""

import json
import re
import shutil
import urllib.parse
import urllib.request

from support.service import Service, next_number, wait_until

PROMETHEUS = shutil.which("prometheus")
EXPORTER = shutil.which("prometheus-node-exporter")

# So that a fault is seen within seconds.
EVERY = "250ms"
FOR = "500ms"
WINDOW = "3s"


class _Listener(Service):
    """One that takes a free port of the loopback and tells which."""

    @property
    def port(self):
        found = re.search(r'"Listening on" address=127\.0\.0\.1:(\d+)',
                          self.log())
        return found and int(found[1])

    def ready(self):
        return self.port is not None


class NodeExporter(_Listener):
    """Only its textfile collector."""

    name = "node-exporter"

    def start(self):
        self.home = self.folder / f"textfile{next_number()}"
        self.home.mkdir()
        self.spawn([EXPORTER, "--collector.disable-defaults",
                    "--collector.textfile",
                    f"--collector.textfile.directory={self.home}",
                    "--web.listen-address=127.0.0.1:0"])


class Prometheus(_Listener):
    """Scrapes the exporter and evaluates a copy of the rules, in which `for`
    and windows are seconds."""

    name = "prometheus"

    def __init__(self, folder, exporter, rules):
        super().__init__(folder)
        self.exporter, self.rules = exporter, rules

    def start(self):
        home = self.folder / f"prometheus{next_number()}"
        home.mkdir()
        text = re.sub(r"\bfor: \d+m", f"for: {FOR}", self.rules.read_text())
        (home / "rules.yml").write_text(text.replace("[15m]", f"[{WINDOW}]"))
        (home / "prometheus.yml").write_text(json.dumps({   # JSON is YAML
            "global": {"scrape_interval": EVERY, "scrape_timeout": EVERY,
                       "evaluation_interval": EVERY},
            "rule_files": ["rules.yml"],
            "scrape_configs": [{"job_name": "node", "static_configs": [
                {"targets": [f"127.0.0.1:{self.exporter.port}"]}]}]}))
        self.spawn(["/usr/bin/env", f"--chdir={home}", PROMETHEUS,
                    "--config.file=prometheus.yml",
                    "--storage.tsdb.path=data",
                    "--web.listen-address=127.0.0.1:0"])

    def ask(self, path, **query):
        with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}/api/v1/{path}?"
                + urllib.parse.urlencode(query), timeout=10) as answer:
            return json.load(answer)["data"]

    def value(self, expression):
        """Of the only sample, or None."""
        result = self.ask("query", query=expression)["result"]
        return float(result[0]["value"][1]) if result else None

    def alerts(self):
        """The name and state of each alert that fires or is about to."""
        return sorted((alert["labels"]["alertname"], alert["state"])
                      for alert in self.ask("alerts")["alerts"])

    def wait_for(self, *names, seconds=20):
        """Until these alerts fire, and no other does or is about to."""
        wanted = sorted((name, "firing") for name in names)
        wait_until(lambda: self.alerts() == wanted, f"just {names} fire",
                   seconds)

    def wait_for_evaluation(self):
        """Until each rule has been evaluated with all that is there now."""
        def marks():
            groups = self.ask("rules")["groups"]
            return [(rule["lastEvaluation"], rule["health"])
                    for group in groups for rule in group["rules"]]

        scraped = self.value("timestamp(up)") or 0
        wait_until(lambda: (self.value("timestamp(up)") or 0) > scraped,
                   "a scrape")
        before = marks()
        wait_until(lambda: all(old[0] != new[0] and new[1] == "ok"
                               for old, new in zip(before, marks())),
                   "an evaluation")
