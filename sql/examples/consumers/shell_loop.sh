#!/bin/sh
# Takes each new notification with psql alone.
#
#   PGHOST=... PGUSER=... shell_loop.sh NAME COMMAND
#
# COMMAND gets a batch on its standard input, one JSON object a line, and ends
# with 0 when it has done its work. Without COMMAND being there any more (a
# kill, a lost connection) the batch comes again after 5 minutes.
# SECONDS_IDLE: the pause when nothing is new (5). ONCE=1: end then instead.
set -eu
name=$1 command=$2

sql() { # a statement; its parameters are psql's variables: :'name'
    psql -X -q -A -t -v ON_ERROR_STOP=1 -v name="$name" "$@" -f -
}

work=$(mktemp)
trap 'rm -f "$work"' EXIT
trap 'exit 0' INT TERM

while :; do
    if ! echo "SELECT to_json(n)
               FROM callhook.next_notifications(:'name', 100) AS n" |
        sql >"$work"; then
        sleep "${SECONDS_IDLE:-5}" # the database is away
        continue
    fi
    if [ ! -s "$work" ]; then
        [ -z "${ONCE:-}" ] || exit 0
        sleep "${SECONDS_IDLE:-5}"
        continue
    fi
    batch=$(sed -n '1s/^{"batch": *\([0-9]*\).*/\1/p' "$work")
    if "$command" <"$work"; then
        echo "SELECT callhook.done(:batch)" | sql -v batch="$batch" || :
    else
        echo "SELECT callhook.failed(:batch, :'why')" |
            sql -v batch="$batch" -v why="$command ended with $?" || :
    fi
done >/dev/null
