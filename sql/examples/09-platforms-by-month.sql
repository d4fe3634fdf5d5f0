-- Which platforms do people use, month by month?
SELECT month, platform, sum(calls)::integer AS calls
FROM callhook.platforms_by_month GROUP BY 1, 2 ORDER BY 1, 2;
