"""Keep callhook serving on http://127.0.0.1:8080/callhook until Ctrl-C.

`make run`. The database is private and gone afterwards."""

import signal
import sys

from support.postgres import Cluster
from support.project import DATA
from support.service import Trouble, end_on_signals, temporary_folder
from support.site import Site

PORT = 8080
SUBSCRIPTION = "62e4deea-8f3f-4b35-b732-c99fae0ae5ec"
TENANT = "de21c301-a4ae-4292-aa09-6db710a590a6"
SECRET = "SecretClientState"

HELP = """\
callhook serves on http://127.0.0.1:{port}/callhook until Ctrl-C.

A handshake, as Graph does it:
  curl -X POST 'http://127.0.0.1:{port}/callhook?validationToken=hello+there'

A notification (secret {secret} of subscription {short}…):
  curl -i -H 'Content-Type: application/json' \\
      --data-binary @{data}/seed-meeting-start.json \\
      http://127.0.0.1:{port}/callhook

What a reader finds:
  {psql} -h {home} \\
      -U test_reader {database} -c 'SELECT * FROM callhook.notifications' -x

Log of the receiver: {log}
"""


def main():
    end_on_signals()
    with temporary_folder() as folder, \
            Cluster(folder) as cluster:
        database = cluster.create_database("callhook")
        database.subscribe(tenant_id=TENANT, subscription_id=SUBSCRIPTION,
                           secret=SECRET)
        with Site(folder, database, port=PORT) as site:
            print(HELP.format(
                port=PORT, secret=SECRET, short=SUBSCRIPTION[:8],
                data=DATA, psql=cluster.bin / "psql",
                home=cluster.home, database=database.name,
                log=site.receiver.log_path), flush=True)
            watch(cluster, site)


def watch(cluster, site):
    """Wait for Ctrl-C; end as well when one of the servers has ended."""
    wanted = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
    while not signal.sigtimedwait(wanted, 1):
        for service in (cluster, site.receiver, site.nginx):
            if not service.alive():
                raise Trouble(f"{service.name} has ended:\n"
                                      f"{service.log()}")
    print("\nEnding.", flush=True)


if __name__ == "__main__":
    try:
        main()
    except Trouble as trouble:
        sys.exit(f"run: {trouble}")
    except KeyboardInterrupt:
        sys.exit(130)
