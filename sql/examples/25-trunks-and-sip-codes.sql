-- How do calls over our trunks end?
SELECT trunk, sip_code, sum(calls)::integer AS calls,
       sum(answered)::integer AS answered
FROM callhook.trunks_by_day
WHERE day >= '2026-03-01' AND day < '2026-04-01'
GROUP BY 1, 2 ORDER BY 1, 2;
