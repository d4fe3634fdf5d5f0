-- Do people rate calls as they hear them?
SELECT rating, audio, sum(calls)::integer AS ratings
FROM callhook.ratings_by_day
WHERE day >= '2026-03-01' AND day < '2026-04-01'
GROUP BY 1, 2 ORDER BY 1, 2;
