-- Phone calls of the tenant's logs beside the call records they belong to.

-- Direct Routing masks the end of numbers with asterisks, and a call that
-- nobody answered has no start.
CREATE OR REPLACE VIEW callhook.call_legs AS
WITH leg AS (
    SELECT tenant_id, 'pstn' AS log, id, NULL AS correlation_id, user_id,
           user_principal_name, user_display_name, caller_number,
           callee_number, start_date_time, end_date_time, duration_seconds,
           call_type, start_date_time AS began_at
    FROM callhook_store.pstn_calls
    UNION ALL
    SELECT tenant_id, 'direct_routing', id, correlation_id, user_id,
           user_principal_name, user_display_name, caller_number,
           callee_number, start_date_time, end_date_time, duration_seconds,
           call_type,
           coalesce(start_date_time, invite_date_time, failure_date_time)
    FROM callhook_store.direct_routing_calls
)
SELECT nullif(leg.tenant_id, '00000000-0000-0000-0000-000000000000')
           AS tenant_id,
       leg.log,
       leg.id AS leg_id,
       coalesce(exact.call_id, near.call_id) AS call_id,
       CASE WHEN exact.call_id IS NOT NULL THEN 'correlation'
            WHEN near.call_id IS NOT NULL THEN 'near' END AS match,
       leg.user_id,
       leg.user_principal_name,
       leg.user_display_name,
       leg.caller_number,
       leg.callee_number,
       leg.start_date_time,
       leg.end_date_time,
       leg.duration_seconds,
       leg.call_type
FROM leg
LEFT JOIN callhook_store.calls AS exact
    ON exact.tenant_id = leg.tenant_id
   AND exact.call_id = CASE
       WHEN leg.correlation_id ~ '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}'
                                 '-[0-9A-Fa-f]{12}$'
       THEN leg.correlation_id::uuid END
LEFT JOIN LATERAL (
    SELECT r.call_id
    FROM callhook_store.call_records AS r
    CROSS JOIN LATERAL (
        SELECT bool_or(identity_id = nullif(leg.user_id, '')) AS has_user,
               bool_or(starts_with(identity_id, number)
                    OR starts_with(number, rtrim(identity_id, '*')))
                   FILTER (WHERE identity_id ~ '^[+]?[0-9]{5,}[*]*$')
                   AS has_number
        FROM (
            SELECT identity_id FROM callhook_store.participants AS p
            WHERE p.call_id = r.call_id AND p.tenant_id = r.tenant_id
            UNION ALL
            SELECT i.id FROM callhook_store.sessions AS s
            CROSS JOIN LATERAL (VALUES (caller_identity_id),
                                       (callee_identity_id)) AS i (id)
            WHERE s.call_id = r.call_id AND s.tenant_id = r.tenant_id
            UNION ALL VALUES (r.organizer_identity_id)
        ) AS identities (identity_id)
        CROSS JOIN (VALUES (rtrim(leg.caller_number, '*')),
                           (rtrim(leg.callee_number, '*'))) AS n (number)
        WHERE length(number) > 5
    ) AS who
    WHERE exact.call_id IS NULL AND r.tenant_id = leg.tenant_id
      AND r.start_date_time BETWEEN leg.began_at - interval '5 minutes'
                                AND leg.began_at + interval '5 minutes'
      AND who.has_user AND who.has_number
    ORDER BY abs(extract(epoch FROM r.start_date_time - leg.began_at)),
             r.call_id
    LIMIT 1
) AS near ON true;

COMMENT ON VIEW callhook.call_legs IS
    'Phone calls of the PSTN and Direct Routing logs, and the call record '
    'that each belongs to. Bound start_date_time in queries.';
COMMENT ON COLUMN callhook.call_legs.tenant_id IS 'The Microsoft 365 tenant.';
COMMENT ON COLUMN callhook.call_legs.log IS
    'pstn or direct_routing: the view that has the row.';
COMMENT ON COLUMN callhook.call_legs.leg_id IS 'The row''s id there.';
COMMENT ON COLUMN callhook.call_legs.call_id IS
    'The call record that it belongs to; null if none is known.';
COMMENT ON COLUMN callhook.call_legs.match IS
    'How sure that is. correlation: exact, the log has the call''s id. near: '
    'likely, the closest record within 5 minutes that has both the user and '
    'one of the numbers (as far as they are not masked).';
COMMENT ON COLUMN callhook.call_legs.user_id IS 'The user''s id.';
COMMENT ON COLUMN callhook.call_legs.user_principal_name IS
    'The user principal name.';
COMMENT ON COLUMN callhook.call_legs.user_display_name IS
    'The user''s name.';
COMMENT ON COLUMN callhook.call_legs.caller_number IS
    'The number that called.';
COMMENT ON COLUMN callhook.call_legs.callee_number IS 'The number called.';
COMMENT ON COLUMN callhook.call_legs.start_date_time IS
    'When the leg began.';
COMMENT ON COLUMN callhook.call_legs.end_date_time IS 'When it ended.';
COMMENT ON COLUMN callhook.call_legs.duration_seconds IS
    'How long it was, as the log says.';
COMMENT ON COLUMN callhook.call_legs.call_type IS 'The kind of call.';
