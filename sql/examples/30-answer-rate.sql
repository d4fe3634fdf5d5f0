-- How many of the calls of two are answered, missed, declined?
SELECT sum(calls)::integer AS calls, sum(answered)::integer AS answered,
       sum(missed)::integer AS missed, sum(declined)::integer AS declined,
       sum(failed)::integer AS failed
FROM callhook.calls_by_hour
WHERE kind = 'peer_to_peer' AND day >= '2026-03-01' AND day < '2026-04-01';
