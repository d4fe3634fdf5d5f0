-- How many calls and minutes are there on each weekday, at each hour? (year)
-- compare: exact
-- callhook
SELECT extract(isodow FROM hour AT TIME ZONE 'UTC') AS weekday,
       extract(hour FROM hour AT TIME ZONE 'UTC') AS hour_of_day,
       sum(calls) AS calls, sum(seconds) AS seconds
FROM callhook.calls_by_hour
WHERE {year}
GROUP BY 1, 2
-- duckdb
SELECT isodow(day), started_us // 3600000000 % 24, count(*), sum(seconds)
FROM calls WHERE is_test = 0 AND {year} GROUP BY 1, 2
-- clickhouse
SELECT toDayOfWeek(day) AS w, intDiv(started_us, 3600000000) % 24 AS h,
       count(), sum(seconds)
FROM calls WHERE is_test = 0 AND {year} GROUP BY w, h
