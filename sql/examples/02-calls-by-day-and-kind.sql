-- How many calls are there a day, of which kind, and with strangers?
SELECT day, kind, external, sum(calls)::integer AS calls
FROM callhook.calls_by_hour
WHERE day >= '2026-03-01' AND day < '2026-04-01'
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
