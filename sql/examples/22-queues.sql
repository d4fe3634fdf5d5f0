-- How many calls does each queue answer, and how long do callers wait?
SELECT queue_name, sum(offered)::integer AS offered,
       sum(answered)::integer AS answered,
       sum(abandoned)::integer AS abandoned,
       sum(wait_seconds)::integer AS wait_seconds
FROM callhook.queues_by_day
WHERE day >= '2026-03-01' AND day < '2026-04-01'
GROUP BY queue_name ORDER BY queue_name;
