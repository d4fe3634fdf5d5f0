-- In which buildings, on which floors and networks is audio poor?
SELECT building, floor, connection, sum(streams)::integer AS streams,
       sum(poor)::integer AS poor
FROM callhook.quality_by_building
WHERE media = 'audio' AND day >= '2026-03-01' AND day < '2026-04-01'
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
