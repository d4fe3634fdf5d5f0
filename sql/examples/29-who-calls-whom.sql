-- Which two talk with each other most?
SELECT least(person_name, peer_name) AS one,
       greatest(person_name, peer_name) AS other, count(*)::integer AS calls
FROM callhook.cdr
WHERE kind = 'peer_to_peer' AND direction = 'out' AND NOT is_test
  AND disposition = 'answered' AND day >= '2026-03-01' AND day < '2026-04-01'
GROUP BY 1, 2 ORDER BY calls DESC, 1, 2 LIMIT 10;
