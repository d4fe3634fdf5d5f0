"""The main job on real parts: nginx, the receiver and PostgreSQL.

`make demo`. Everything is private and gone afterwards; exit status 0 only if
the rows are in the database."""

import json
import sys

from support.postgres import Cluster
from support.project import DATA
from support.service import Trouble, end_on_signals, temporary_folder
from support.site import Site

PHONE = "12345678-1234-1234-1234-1234567890ab"
COMPANY = "62e4deea-8f3f-4b35-b732-c99fae0ae5ec"
TENANT = "de21c301-a4ae-4292-aa09-6db710a590a6"
SECRET = "SecretClientState"

TOKEN = ("Validation: Testing client application reachability for "
         "subscription Request-Id: 7c1a9a3e-1f58-4cd5-a6c6-3a3e7c9ab8de")

SEEDS = ["seed-direct-routing-start.json", "seed-direct-routing-end.json",
         "seed-federation-start.json", "seed-meeting-start.json"]

SELECT = """\
SELECT to_char(received_at, 'HH24:MI:SS.MS') AS received, change_type, call_id,
       left(tenant_id::text, 8) || '…' AS tenant
FROM callhook.notifications ORDER BY notification_id"""


def heading(text):
    print(f"\n== {text}\n")


def curl(site, target, *lines):
    """Show a request as one would type it."""
    url = f"'http://127.0.0.1:{site.nginx.port}{target}'"
    print(" \\\n      ".join(["  $ curl -i -X POST", *lines, url]))


def show(answer):
    print(f"  HTTP {answer.status}  {answer.text}".rstrip(), end="\n\n")


def handshake(site):
    heading("1. Graph asks whether anyone is there")
    query = TOKEN.replace(" ", "+").replace(":", "%3a")
    target = "/callhook?validationToken=" + query
    curl(site, target)
    answer = site.nginx.request("POST", target)
    show(answer)
    return answer.status == 200 and answer.text == TOKEN


def notifications(site):
    heading("2. Graph tells of calls: 202 once PostgreSQL has committed")
    print(f"  Trusted: subscription {COMPANY[:8]}… by its secret, of which\n"
          f"  the database has the SHA-256 digest; {PHONE[:8]}… sends none\n"
          "  and is listed in CALLHOOK_OPEN_SUBSCRIPTIONS.\n")
    good = True
    for name in SEEDS:
        curl(site, "/callhook", "-H 'Content-Type: application/json'",
             f"--data-binary @tests/data/{name}")
        answer = site.post((DATA / name).read_bytes())
        show(answer)
        good = good and answer.status == 202
    return good


def stranger(site):
    heading("3. A stranger who does not know the secret learns nothing")
    body = json.loads((DATA / SEEDS[-1]).read_bytes())
    body["value"][0]["clientState"] = "guessed"
    curl(site, "/callhook", "-H 'Content-Type: application/json'",
         "--data '{\"value\":[{… \"clientState\":\"guessed\" …}]}'")
    answer = site.post(json.dumps(body).encode())
    show(answer)
    return answer.status == 202


def rows(site):
    heading("4. What a reader finds: four rows, none of the stranger's")
    print("  $ psql")
    for number, line in enumerate(SELECT.splitlines()):
        print(("  => " if number == 0 else "  -> ") + line)
    print()
    done = site.database.cluster.psql(
        "-P", "border=1", "-P", "footer=on", "-c", SELECT,
        database=site.database.name, user="test_reader")
    for line in (done.stdout + done.stderr).rstrip().splitlines():
        print("  " + line)
    calls = {row["call_id"] for row in site.rows()}
    sent = {json.loads((DATA / name).read_bytes())
            ["value"][0]["resourceData"]["id"] for name in SEEDS}
    return len(site.rows()) == len(SEEDS) and calls == sent


def main():
    end_on_signals()
    print("Starting a private PostgreSQL, callhook and nginx …", flush=True)
    settings = {"CALLHOOK_OPEN_SUBSCRIPTIONS": PHONE}
    with temporary_folder() as folder, \
            Cluster(folder) as cluster:
        database = cluster.create_database("callhook")
        database.subscribe(tenant_id=TENANT, subscription_id=COMPANY,
                           secret=SECRET)
        with Site(folder, database, settings) as site:
            done = [step(site) for step in (handshake, notifications,
                                            stranger, rows)]
    good = all(done)
    heading("It works, and nothing is left running." if good
            else "Something went wrong: the rows are not as they should be.")
    return 0 if good else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Trouble as trouble:
        sys.exit(f"demo: {trouble}")
    except KeyboardInterrupt:
        sys.exit(130)
