-- How the collector itself does, day by day; nobody is named.
CREATE OR REPLACE VIEW callhook.collector_health AS
SELECT nullif(c.tenant_id, '00000000-0000-0000-0000-000000000000')
           AS tenant_id,
       c.day, c.calls,
       c.first_delay[1] AS first_delay_p50_seconds,
       c.first_delay[2] AS first_delay_p95_seconds,
       c.last_delay[1] AS last_delay_p50_seconds,
       c.last_delay[2] AS last_delay_p95_seconds,
       v.versions, c.waiting,
       a.answers, a.p50_ms AS answer_p50_ms, a.p95_ms AS answer_p95_ms,
       a.max_ms AS answer_max_ms
FROM (
    SELECT tenant_id, day, count(*) AS calls,
           percentile_disc('{0.5,0.95}'::float8[]) WITHIN GROUP (ORDER BY
               floor(extract(epoch FROM first_notified_at - ended_at))::bigint)
               AS first_delay,
           percentile_disc('{0.5,0.95}'::float8[]) WITHIN GROUP (ORDER BY
               floor(extract(epoch FROM last_notified_at - ended_at))::bigint)
               AS last_delay,
           count(*) FILTER (WHERE record_state = 'waiting') AS waiting
    FROM callhook_store.calls GROUP BY tenant_id, day) AS c
LEFT JOIN LATERAL (
    SELECT count(r.version) AS versions
    FROM callhook_store.calls AS o
    JOIN callhook_store.record_versions AS r USING (call_id, tenant_id)
    WHERE o.tenant_id = c.tenant_id AND o.day = c.day) AS v ON true
-- The receivers' histograms, summed up: see callhook.receiver_minutes.
LEFT JOIN LATERAL (
    SELECT max(b.running)::bigint AS answers,
           min(b.upper_us) FILTER (WHERE b.running >= 0.50 * b.total)
               / 1000.0::double precision AS p50_ms,
           min(b.upper_us) FILTER (WHERE b.running >= 0.95 * b.total)
               / 1000.0::double precision AS p95_ms,
           (SELECT max(m.max_us) / 1000.0::double precision
            FROM callhook_store.receiver_minutes AS m
            WHERE m.minute >= c.day::timestamp AT TIME ZONE 'UTC'
              AND m.minute < (c.day + 1)::timestamp AT TIME ZONE 'UTC')
               AS max_ms
    FROM (SELECT (SELECT o.upper_us FROM callhook_store.answer_bounds AS o)[n]
                     AS upper_us,
                 sum(sum(t.answers)) OVER (ORDER BY n) AS running,
                 sum(sum(t.answers)) OVER () AS total
          FROM callhook_store.receiver_minutes AS m
          CROSS JOIN LATERAL unnest(m.times) WITH ORDINALITY
              AS t (answers, n)
          WHERE m.minute >= c.day::timestamp AT TIME ZONE 'UTC'
            AND m.minute < (c.day + 1)::timestamp AT TIME ZONE 'UTC'
          GROUP BY n) AS b
    WHERE b.running > 0) AS a ON true;
