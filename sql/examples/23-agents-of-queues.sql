-- Which agents answer the calls of the queues?
SELECT queue_name, agent_name, count(*)::integer AS answered
FROM callhook.queue_calls
WHERE outcome = 'answered' AND day >= '2026-03-01' AND day < '2026-04-01'
GROUP BY 1, 2 ORDER BY 1, 2;
