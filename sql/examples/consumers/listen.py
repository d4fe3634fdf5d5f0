#!/usr/bin/python3
"""Prints each call of which something new is known, and waits for LISTEN.

    listen.py NAME              libpq's PG... variables say where

Where the site has not switched LISTEN on, it asks every 10 seconds; also
where it has, for a notice may be lost together with a connection, and batches
that failed come again without one.
"""

import contextlib
import json
import select
import sys
import time

import psycopg2

IDLE = 10


def connect():
    connection = psycopg2.connect("")
    # Each statement is a transaction of its own: next_calls commits at once,
    # and holds up no other worker of this name while we work. (No "with
    # connection": psycopg2 makes that one transaction.)
    connection.autocommit = True
    return contextlib.closing(connection)


def handle(row):
    """The work; it may be done twice, so it must not matter if it is."""
    print(json.dumps(row, default=str), flush=True)


def take(cursor, name):
    """Works off one batch; false if nothing is new."""
    cursor.execute("SELECT * FROM callhook.next_calls(%s, 100)", [name])
    columns = [column.name for column in cursor.description]
    rows = [dict(zip(columns, values)) for values in cursor]
    if not rows:
        return False
    batch = rows[0]["batch"]
    try:
        for row in rows:
            handle(row)
    except Exception as failure:
        cursor.execute("SELECT callhook.failed(%s, %s)",
                       [batch, str(failure)])
    else:
        cursor.execute("SELECT callhook.done(%s)", [batch])
    return True


def serve(name):
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute("LISTEN callhook")
        while True:
            while take(cursor, name):
                pass
            select.select([connection], [], [], IDLE)
            connection.poll()
            connection.notifies.clear()


def main():
    while True:
        try:
            serve(sys.argv[1])
        except psycopg2.Error as failure:
            # 55000: the batch took over 5 minutes, another worker has it.
            # Others: the database is away. What is leased comes again.
            print(failure, file=sys.stderr)
            time.sleep(1)


if __name__ == "__main__":
    main()
