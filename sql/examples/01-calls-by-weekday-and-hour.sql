-- How many calls and minutes are there on each weekday, at each hour (UTC)?
SELECT to_char(hour AT TIME ZONE 'UTC', 'ID')::integer AS weekday,
       to_char(hour AT TIME ZONE 'UTC', 'HH24')::integer AS hour_of_day,
       sum(calls)::integer AS calls, sum(seconds)::integer / 60 AS minutes
FROM callhook.calls_by_hour
WHERE day >= '2026-03-01' AND day < '2026-04-01'
GROUP BY 1, 2 ORDER BY 1, 2;
