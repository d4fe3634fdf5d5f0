-- How do connections and transports compare?
SELECT connection, transport, sum(classified)::integer AS classified,
       sum(poor)::integer AS poor
FROM callhook.connections_by_day
WHERE day >= '2026-03-01' AND day < '2026-04-01' AND media = 'audio'
GROUP BY 1, 2 ORDER BY 1, 2;
