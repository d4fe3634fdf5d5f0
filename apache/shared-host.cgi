#!/bin/sh
# callhook on a shared host, where only .htaccess and a cgi-bin exist: copy
# this to cgi-bin/callhook.cgi, mode 0700.  README.md says the rest.
#
# The folder has the program, the settings (callhook.env, mode 0600) and the
# spool.  It must be outside of the document root.
folder=$HOME/callhook

# Not every web server tells a program whose home it runs in.
[ -n "$HOME" ] || folder=/home/me/callhook

set -a
. "$folder/callhook.env" || exit 78
CALLHOOK_SPOOL=${CALLHOOK_SPOOL-$folder/spool}
set +a

exec "$folder/callhook" "$@"
