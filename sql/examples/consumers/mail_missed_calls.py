#!/usr/bin/python3
"""Mails each missed call to the person who missed it.

    mail_missed_calls.py NAME   SMTP_HOST (localhost), SMTP_PORT (25),
                                MAIL_FROM; libpq's PG... variables

The database user needs two roles: callhook_consumer, to be told of the calls,
and callhook_reader, to look at them. A call of two was missed if its session
has no media and failed before it was answered, or if nobody let it in: Graph
says so in the session's failureInfo. The callee's principal name is taken for
the address. ONCE=1: end when nothing is new.
"""

import email.message
import os
import smtplib
import sys
import time

import psycopg2

IDLE = 10

# A record may be read again in a newer version: mail for "stored" alone.
MISSED = """
    SELECT s.callee_identity_user_principal_name AS address,
           coalesce(s.caller_identity_name, s.caller_identity_id,
                    'an unknown number') AS caller,
           s.start_date_time AS at
    FROM callhook.sessions AS s
    JOIN callhook.calls AS c USING (tenant_id, call_id)
    WHERE s.tenant_id = %s AND s.call_id = %s AND c.type = 'peerToPeer'
      AND s.failure_stage = 'callSetup'
      AND s.callee_identity_user_principal_name LIKE '%%@%%'
      AND NOT EXISTS (SELECT FROM callhook.media AS m
                      WHERE m.tenant_id = s.tenant_id
                        AND m.call_id = s.call_id)
"""


def letter(address, caller, at, call_id):
    made = email.message.EmailMessage()
    made["From"] = os.environ.get("MAIL_FROM", "callhook@localhost")
    made["To"] = address
    made["Subject"] = "Missed call"
    # A batch may come twice: the same Message-ID lets mail servers see it.
    made["Message-ID"] = f"<{call_id}.missed@callhook>"
    made.set_content(f"{caller} called you at {at:%Y-%m-%d %H:%M} UTC.\n")
    return made


def mail(cursor, calls):
    letters = []
    for tenant_id, call_id, event in calls:
        if event == "stored":
            cursor.execute(MISSED, [tenant_id, call_id])
            letters += [letter(*row, call_id) for row in cursor]
    if letters:
        with smtplib.SMTP(os.environ.get("SMTP_HOST", "localhost"),
                          int(os.environ.get("SMTP_PORT", "25")),
                          timeout=30) as smtp:
            for made in letters:
                smtp.send_message(made)


def take(cursor, name):
    cursor.execute("SELECT batch, tenant_id, call_id, event "
                   "FROM callhook.next_calls(%s, 100)", [name])
    rows = cursor.fetchall()
    if not rows:
        return False
    batch = rows[0][0]
    try:
        mail(cursor, [row[1:] for row in rows])
    except (OSError, smtplib.SMTPException) as failure:
        # Its class only: an answer may name the person.
        cursor.execute("SELECT callhook.failed(%s, %s)",
                       [batch, type(failure).__name__])
    else:
        cursor.execute("SELECT callhook.done(%s)", [batch])
    return True


def main():
    name = sys.argv[1]
    while True:
        try:
            connection = psycopg2.connect("options='-c timezone=UTC'")
            connection.autocommit = True
            with connection.cursor() as cursor:
                while True:
                    while take(cursor, name):
                        pass
                    if os.environ.get("ONCE"):
                        return
                    time.sleep(IDLE)
        except psycopg2.Error as failure:
            print(failure, file=sys.stderr)
            time.sleep(1)


if __name__ == "__main__":
    main()
