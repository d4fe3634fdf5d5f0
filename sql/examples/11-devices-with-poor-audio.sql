-- With which devices is audio heard poorly?
SELECT device, sum(classified)::integer AS classified,
       sum(poor)::integer AS poor
FROM callhook.quality_by_device
WHERE media = 'audio' AND day >= '2026-03-01' AND day < '2026-04-01'
GROUP BY device ORDER BY poor DESC, device;
