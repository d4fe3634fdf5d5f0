-- Which 20 users have heard the most poor audio?
SELECT receiver_id, count(*)::integer AS poor
FROM callhook.stream_quality
WHERE media = 'audio' AND verdict = 'poor' AND receiver_id IS NOT NULL
  AND NOT is_test AND day >= '2026-03-01' AND day < '2026-04-01'
GROUP BY receiver_id ORDER BY poor DESC, receiver_id LIMIT 20;
