-- Which client versions are in use, and by how many persons?
SELECT platform, client_version, people FROM callhook.platforms_by_month
WHERE month = '2026-03-01' ORDER BY platform, client_version;
