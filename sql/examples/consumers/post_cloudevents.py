#!/usr/bin/python3
"""Posts each call of which something new is known to a URL, as CloudEvents
1.0 in JSON, a batch a request (application/cloudevents-batch+json).

    post_cloudevents.py NAME URL    libpq's PG... variables

Any answer of 200 to 299 settles the batch. 410 ends the program. Otherwise
the batch is given back: it comes again after 10 seconds, then after longer,
and what the other side never takes is set aside (consumer_failures).
ONCE=1: end when nothing is new.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request

import psycopg2

IDLE = 10


def event(row):
    batch, kind, tenant_id, call_id, version, data = row
    return {
        "specversion": "1.0",
        # The same for the same news, should it come twice.
        "id": f"{call_id}/{kind}/{version or 0}",
        "source": f"urn:callhook:{tenant_id or 'unknown'}",
        "type": f"callhook.call.{kind}",
        "subject": call_id,
        "datacontenttype": "application/json",
        "data": data,
    }


def post(url, rows):
    request = urllib.request.Request(
        url, json.dumps([event(row) for row in rows]).encode(),
        {"Content-Type": "application/cloudevents-batch+json"})
    with urllib.request.urlopen(request, timeout=60):
        pass


def take(cursor, name, url):
    cursor.execute("""SELECT batch, event, tenant_id, call_id, version,
                             to_jsonb(c) - 'batch' - 'event'
                      FROM callhook.next_calls(%s, 50) AS c""", [name])
    rows = cursor.fetchall()
    if not rows:
        return False
    batch = rows[0][0]
    try:
        post(url, rows)
    except urllib.error.HTTPError as answer:
        cursor.execute("SELECT callhook.failed(%s, %s)",
                       [batch, f"HTTP {answer.code}"])
        if answer.code == 410:
            sys.exit(f"{url} is gone")
    except OSError as failure:
        cursor.execute("SELECT callhook.failed(%s, %s)",
                       [batch, type(failure).__name__])
    else:
        cursor.execute("SELECT callhook.done(%s)", [batch])
    return True


def main():
    name, url = sys.argv[1:]
    while True:
        try:
            connection = psycopg2.connect("")
            connection.autocommit = True
            with connection.cursor() as cursor:
                while True:
                    while take(cursor, name, url):
                        pass
                    if os.environ.get("ONCE"):
                        return
                    time.sleep(IDLE)
        except psycopg2.Error as failure:
            print(failure, file=sys.stderr)
            time.sleep(1)


if __name__ == "__main__":
    main()
