-- How much of the audio is poor, day by day?
SELECT day, sum(classified)::integer AS classified, sum(poor)::integer AS poor
FROM callhook.quality_by_day
WHERE media = 'audio' AND day >= '2026-03-01' AND day < '2026-04-01'
GROUP BY day ORDER BY day;
