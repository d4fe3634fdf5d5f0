-- Each role can do just its own work; nothing is PUBLIC's. A right that is
-- not in this list is nobody's: what an older version gave is taken back.

-- A line gives privileges on objects of one schema. {*}: every view of it
-- but raw_pages, which is role callhook_raw's alone.
CREATE OR REPLACE FUNCTION callhook_store.rights()
RETURNS TABLE (role_name text, privilege text, columns text[], kind text,
               object text, object_id oid)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT l.role_name, privilege, l.columns::text[], l.kind,
           concat_ws('.', l.schema_name, o.name), o.id
    FROM (VALUES
        ('callhook_receiver', 'SCHEMA', 'callhook_store', 'USAGE', '{}',
         NULL),
        ('callhook_receiver', 'TABLE', 'callhook_store', 'INSERT',
         '{notifications}',
         '{notification_id,received_at,tenant_id,subscription_id,change_type,
           lifecycle_event,call_id,resource,subscription_expires_at,
           forwarded_for,extra}'),
        ('callhook_receiver', 'FUNCTION', 'callhook_store', 'EXECUTE',
         '{schema_major,missing_rights,weaknesses,good_secrets,add_minute,
           add_refusals}', NULL),

        ('callhook_renewer', 'SCHEMA', 'callhook_store', 'USAGE', '{}', NULL),
        ('callhook_renewer', 'SCHEMA', 'callhook', 'USAGE', '{}', NULL),
        ('callhook_renewer', 'TABLE', 'callhook_store',
         'SELECT,INSERT,UPDATE,DELETE',
         '{subscriptions,gaps,lifecycle_handled,tenants}', NULL),
        ('callhook_renewer', 'TABLE', 'callhook_store', 'SELECT,DELETE',
         '{refusals}', NULL),
        ('callhook_renewer', 'TABLE', 'callhook_store', 'SELECT',
         '{notifications}', NULL),
        ('callhook_renewer', 'TABLE', 'callhook', 'SELECT', '{*}', NULL),
        ('callhook_renewer', 'FUNCTION', 'callhook_store', 'EXECUTE',
         '{schema_major,missing_rights,weaknesses,make_partitions,
           remove_simulated,status,status_charts,
           fold_notifications,set_reading,claim_calls,want_calls,want_calls_of,
           take_pages,take_large,keep_claim,
           release_call,reading_failed,take_listed,note_listing,next_window,
           close_listed_gaps,retain,forget_person,fill_facts,refresh_day,
           refresh_month,load_reference,drop_idle_consumers,note_graph_time,
           clock_doubt,take_turn,end_turn,drop_gone_receivers,
           count_earlier_hours,throttled,note_throttling}', NULL),
        ('callhook_renewer', 'FUNCTION', 'callhook', 'EXECUTE',
         '{rows_waiting,silences}', NULL),

        -- Figures that name nobody have a role of their own.
        ('callhook_figures', 'SCHEMA', 'callhook', 'USAGE', '{}', NULL),
        ('callhook_figures', 'TABLE', 'callhook', 'SELECT',
         '{calls_by_hour,concurrent_calls,meetings_by_day,quality_by_day,
           quality_by_building,quality_by_device,quality_percentiles,
           connections_by_day,platforms_by_month,failures_by_day,
           ratings_by_day,phone_by_day,trunks_by_day,queues_by_day,
           users_by_month,collector_health}', NULL),

        ('callhook_reader', 'SCHEMA', 'callhook', 'USAGE', '{}', NULL),
        ('callhook_reader', 'TABLE', 'callhook', 'SELECT', '{*}', NULL),
        ('callhook_reader', 'FUNCTION', 'callhook', 'EXECUTE',
         '{rows_waiting,silences}', NULL),

        ('callhook_raw', 'SCHEMA', 'callhook', 'USAGE', '{}', NULL),
        ('callhook_raw', 'TABLE', 'callhook', 'SELECT', '{raw_pages}', NULL),

        ('callhook_consumer', 'SCHEMA', 'callhook', 'USAGE', '{}', NULL),
        ('callhook_consumer', 'FUNCTION', 'callhook', 'EXECUTE',
         '{next_notifications,next_calls,done,failed,make_consumer}', NULL)
    ) AS l (role_name, kind, schema_name, privileges, objects, columns)
    CROSS JOIN LATERAL unnest(string_to_array(l.privileges, ','))
        AS privilege
    LEFT JOIN pg_namespace AS n ON n.nspname = l.schema_name
    CROSS JOIN LATERAL (
        SELECT NULL::name, n.oid WHERE l.kind = 'SCHEMA'
        UNION ALL
        SELECT c.relname, c.oid FROM pg_class AS c
        WHERE l.objects = '{*}' AND c.relnamespace = n.oid AND c.relkind = 'v'
          AND c.relname <> 'raw_pages'
        UNION ALL
        SELECT given, coalesce(c.oid, p.oid)
        FROM unnest(l.objects::name[]) AS given
        LEFT JOIN pg_class AS c
            ON l.kind = 'TABLE' AND c.relnamespace = n.oid
           AND c.relname = given
        LEFT JOIN pg_proc AS p
            ON l.kind = 'FUNCTION' AND p.pronamespace = n.oid
           AND p.proname = given
        WHERE l.objects <> '{*}') AS o (name, id);
$$;
COMMENT ON FUNCTION callhook_store.rights() IS
    'Every right that a role of callhook has. columns: of these alone.';

-- (A default is worked out before the function takes its owner's place.)
CREATE OR REPLACE FUNCTION callhook_store.missing_rights(
    of_role text, holder name DEFAULT current_user)
RETURNS TABLE (privilege text, object text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT concat(r.privilege, ' (' || string_agg(c.name, ', '
                                                  ORDER BY c.name) || ')'),
           lower(r.kind) || ' ' || r.object
    FROM callhook_store.rights() AS r
    LEFT JOIN LATERAL unnest(r.columns) AS c (name) ON true
    WHERE r.role_name = of_role
      AND NOT coalesce(CASE
        WHEN r.kind = 'SCHEMA'
            THEN has_schema_privilege(holder, r.object_id, r.privilege)
        WHEN r.kind = 'FUNCTION'
            THEN has_function_privilege(holder, r.object_id, r.privilege)
        WHEN c.name IS NULL
            THEN has_table_privilege(holder, r.object_id, r.privilege)
        ELSE (SELECT has_column_privilege(holder, r.object_id, attnum,
                                          r.privilege)
              FROM pg_attribute
              WHERE attrelid = r.object_id AND attname = c.name) END, false)
    GROUP BY r.privilege, r.kind, r.object
    ORDER BY 2, 1;
$$;
COMMENT ON FUNCTION callhook_store.missing_rights(text, name) IS
    'What a user lacks of the rights of one of callhook''s roles.';

REVOKE ALL ON SCHEMA callhook_store, callhook FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA callhook_store, callhook FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA callhook_store, callhook FROM PUBLIC;
REVOKE ALL ON ALL ROUTINES IN SCHEMA callhook_store, callhook FROM PUBLIC;
DO $$
DECLARE
    statement text;
BEGIN
    FOR statement IN
        SELECT format('REVOKE ALL ON %s IN SCHEMA callhook_store, callhook '
                      'FROM %I', kind, rolname)
        FROM pg_roles
        CROSS JOIN (VALUES ('ALL TABLES'), ('ALL SEQUENCES'),
                           ('ALL ROUTINES')) AS v (kind)
        WHERE rolname IN (SELECT role_name FROM callhook_store.rights())
        UNION ALL
        SELECT format('GRANT %s %s ON %s %s TO %I', privilege,
                      '(' || array_to_string(columns, ', ') || ')', kind,
                      CASE kind WHEN 'FUNCTION'
                                THEN object_id::regprocedure::text
                                ELSE object END, role_name)
        FROM callhook_store.rights()
        JOIN pg_roles ON rolname = role_name
    LOOP
        EXECUTE statement;
    END LOOP;
END
$$;
