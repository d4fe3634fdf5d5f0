"""A headless Chromium, asked over a pipe (the DevTools protocol)."""

import json
import os
import shutil
import subprocess

from support.service import Trouble

PATH = shutil.which("chromium")


class Chromium:
    """with Chromium(folder) as browser: browser.open(url)"""

    def __init__(self, folder):
        self.folder = folder
        self.number = 0
        self.events = []                # all that it told by itself

    def __enter__(self):
        theirs_in, self.requests = os.pipe()
        self.answers, theirs_out = os.pipe()
        # It reads from 3 and writes to 4, whatever ours are.
        script = f"exec 3<&{theirs_in} 4>&{theirs_out} && exec \"$@\""
        self.process = subprocess.Popen(
            ["bash", "-c", script, "bash", PATH, "--headless", "--no-sandbox",
             "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe",
             f"--user-data-dir={self.folder}/profile", "about:blank"],
            pass_fds=(theirs_in, theirs_out), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs_in)
        os.close(theirs_out)
        self.buffer = b""
        self.session = None
        pages = self.ask("Target.getTargets")["targetInfos"]
        [target] = [page["targetId"] for page in pages
                    if page["type"] == "page"]
        self.session = self.ask("Target.attachToTarget", targetId=target,
                                flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime", "Accessibility"):
            self.ask(f"{domain}.enable")
        return self

    def __exit__(self, *_):
        os.close(self.requests)         # it ends by itself
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.answers)

    def _read(self):
        while b"\0" not in self.buffer:
            more = os.read(self.answers, 1 << 20)
            if not more:
                raise Trouble("chromium ended")
            self.buffer += more
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def ask(self, method, **parameters):
        """One command of the protocol; its result."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.requests, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise Trouble(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def open(self, url, *, width=1200, dark=False):
        """Load a page; what it told before is forgotten."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width,
                 height=900, deviceScaleFactor=1, mobile=False)
        self.ask("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme",
             "value": "dark" if dark else "light"}])
        for where in ("about:blank", url):  # never within a page
            self.events.clear()
            self.ask("Page.navigate", url=where)
            while not self.told("Page.loadEventFired"):
                self.events.append(self._read())

    def told(self, method):
        return [event["params"] for event in self.events
                if event.get("method") == method]

    def evaluate(self, script):
        done = self.ask("Runtime.evaluate", expression=script,
                        returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in done:
            raise Trouble(str(done["exceptionDetails"]))
        return done["result"].get("value")
