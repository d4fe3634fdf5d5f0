-- How large are our meetings?
SELECT size, sum(calls)::integer AS meetings,
       sum(seconds)::integer AS seconds
FROM callhook.meetings_by_day
WHERE day >= '2026-03-01' AND day < '2026-04-01'
GROUP BY size ORDER BY size;
