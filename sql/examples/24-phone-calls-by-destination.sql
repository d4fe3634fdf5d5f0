-- Where do we call by phone, and what does it cost?
SELECT source, destination, sum(calls)::integer AS calls,
       sum(seconds)::integer AS seconds, sum(charge) AS charge
FROM callhook.phone_by_day
WHERE day >= '2026-03-01' AND day < '2026-04-01'
GROUP BY 1, 2 ORDER BY 1, 2;
