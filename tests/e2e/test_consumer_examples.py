"""The examples for consumers do what they say."""

import http.server
import json
import os
import socketserver
import subprocess
import threading

import pytest

from support.call_records import new_id, small_record
from support.project import ROOT
from support.record_store import TENANT, Store
from support.service import wait_until

EXAMPLES = ROOT / "sql" / "examples" / "consumers"


@pytest.fixture
def store(database):
    database.execute("CREATE ROLE test_mailer LOGIN IN ROLE "
                     "callhook_consumer, callhook_reader")
    yield Store(database)
    database.execute("DROP ROLE test_mailer")


@pytest.fixture
def run(database):
    """Runs an example until nothing is new, or starts one that stays."""
    started = []

    def start(name, *arguments, user="test_consumer", wait=True, **variables):
        process = subprocess.Popen(
            [EXAMPLES / name, *arguments], text=True, cwd="/",
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={"PATH": f"{database.cluster.bin}:{os.environ['PATH']}",
                 **database.environment(user),
                 **({"ONCE": "1"} if wait else {}), **variables})
        started.append(process)
        if not wait:
            return process
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, "")
        return out

    yield start
    for process in started:
        process.kill()
        process.communicate()


def make_due(database):
    database.execute("UPDATE callhook_store.consumer_batches SET ready_at = "
                     "'2020-01-01' WHERE ready_at > '-infinity'")


def backlog(database, name):
    return database.query("SELECT backlog FROM callhook.consumers WHERE "
                          f"consumer = '{name}'", "test_reader")[0]["backlog"]


def script(folder, name, text):
    path = folder / name
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return str(path)


def test_shell_loop(run, store, tmp_path):
    took = tmp_path / "took"
    good = script(tmp_path, "good", f"cat >>{took}\n")
    bad = script(tmp_path, "bad", "exit 3\n")
    run("shell_loop.sh", "shell", good)
    call_ids = {new_id() for _ in range(150)}
    for call_id in sorted(call_ids)[:2]:
        store.notify(call_id)
    run("shell_loop.sh", "shell", bad)
    assert backlog(store.database, "shell") == 2 and not took.exists()
    for call_id in sorted(call_ids)[2:]:
        store.notify(call_id)
    make_due(store.database)
    run("shell_loop.sh", "shell", good)
    rows = [json.loads(line) for line in took.read_text().splitlines()]
    assert {row["call_id"] for row in rows} == call_ids and len(rows) == 150
    assert backlog(store.database, "shell") == 0


def test_shell_loop_takes_no_batch_of_what_an_item_held(run, store, tmp_path):
    """Else whoever may send an item could settle what others have."""
    run("shell_loop.sh", "shell", script(tmp_path, "none", "exit 3\n"))
    store.database.execute(
        "INSERT INTO callhook_store.notifications (notification_id, "
        "received_at, tenant_id, extra) VALUES (gen_random_uuid(), now(), "
        f"'{TENANT}', '{{\"batch\": 999, \"in\": {{\"batch\": 999}}}}')")
    run("shell_loop.sh", "shell", script(tmp_path, "good", "exit 0\n"))
    assert backlog(store.database, "shell") == 0


def test_listen(run, store):
    store.database.execute("SELECT callhook_store.notify_consumers(true)")
    process = run("listen.py", "python", wait=False)
    wait_until(lambda: store.database.query(
        "SELECT FROM callhook.consumers WHERE consumer = 'python'"),
        "the consumer has begun")
    call_id = new_id()
    store.notify(call_id)
    store.fold()
    row = json.loads(process.stdout.readline())
    assert (row["call_id"], row["event"]) == (call_id, "notified")
    wait_until(lambda: backlog(store.database, "python") == 0, "it is settled")


class Mailbox(socketserver.StreamRequestHandler):
    """An SMTP server that takes everything."""

    def handle(self):
        def say(text):
            self.wfile.write(f"{text}\r\n".encode())

        say("220 sink")
        while line := self.rfile.readline().decode().strip():
            if line.upper() == "DATA":
                say("354 go on")
                letter = b""
                while (part := self.rfile.readline()) != b".\r\n":
                    letter += part
                self.server.letters.append(letter.decode())
            say("221 bye" if line.upper() == "QUIT" else "250 fine")


@pytest.fixture
def mailbox():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mailbox) as server:
        server.letters = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def a_call(call_id, missed):
    def party(name):
        return {"associatedIdentity": {
            "id": new_id(), "displayName": name,
            "userPrincipalName": f"{name.lower()}@contoso.com"}}

    return small_record(call_id, type="peerToPeer", sessions=[{
        "id": new_id(), "startDateTime": "2026-03-01T10:00:00Z",
        "endDateTime": "2026-03-01T10:00:20Z",
        "caller": party("Alice"), "callee": party("Bob"),
        "failureInfo": {"stage": "callSetup", "reason": "no answer"}
        if missed else None, "segments": []}])


def test_mail_missed_calls(run, store, mailbox):
    def mail(port):
        run("mail_missed_calls.py", "mail", user="test_mailer",
            SMTP_HOST="127.0.0.1", SMTP_PORT=str(port))

    mail(1)
    for missed in (True, False):
        call_id = new_id()
        store.notify(call_id)
        store.fold()
        store.read(call_id, a_call(call_id, missed))
    mail(1)                             # nobody listens there
    assert backlog(store.database, "mail") == 2
    make_due(store.database)
    mail(mailbox.server_address[1])
    letter, = mailbox.letters
    assert "To: bob@contoso.com" in letter
    assert "Alice called you at 2026-03-01 10:00 UTC." in letter
    assert backlog(store.database, "mail") == 0


class Sink(http.server.BaseHTTPRequestHandler):
    """Takes events, after as many refusals as it is told."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.answers.pop(0) if self.server.answers else 204
        if status == 204:
            self.server.got.append((self.headers["Content-Type"],
                                    json.loads(body)))
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def sink():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink) as server:
        server.got, server.answers = [], []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_post_cloudevents(run, store, sink):
    def post():
        run("post_cloudevents.py", "events",
            f"http://127.0.0.1:{sink.server_address[1]}/hook")

    post()
    call_id = new_id()
    store.notify(call_id)
    store.fold()
    sink.answers[:] = [503]
    post()
    assert (sink.got, backlog(store.database, "events")) == ([], 1)
    make_due(store.database)
    post()
    [(content_type, [event])] = sink.got
    assert content_type == "application/cloudevents-batch+json"
    assert event["specversion"] == "1.0" and event["id"]
    assert event["source"] and event["type"] == "callhook.call.notified"
    assert event["subject"] == event["data"]["call_id"] == call_id
    assert backlog(store.database, "events") == 0
