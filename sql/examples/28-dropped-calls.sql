-- Who was cut off amid a call?
SELECT person_name, failure_reason, count(*)::integer AS calls
FROM callhook.cdr
WHERE failure_stage = 'midcall' AND disposition = 'answered' AND NOT is_test
  AND day >= '2026-03-01' AND day < '2026-04-01'
GROUP BY 1, 2 ORDER BY 1, 2;
