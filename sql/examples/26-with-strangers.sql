-- Who talks with people outside of the company?
SELECT m.person_name, count(DISTINCT m.call_id)::integer AS calls
FROM callhook.cdr AS m JOIN callhook.cdr AS o USING (call_id, day)
WHERE m.person_kind = 'user' AND NOT m.external AND o.external
  AND NOT m.is_test AND m.day >= '2026-03-01' AND m.day < '2026-04-01'
GROUP BY m.person_name ORDER BY m.person_name;
