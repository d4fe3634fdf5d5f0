-- How many calls are there at once at most, each day, and when?
SELECT day, calls, at FROM callhook.concurrent_calls
WHERE day >= '2026-03-01' AND day < '2026-04-01' ORDER BY day;
