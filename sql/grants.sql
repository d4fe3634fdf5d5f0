-- Each role can do just its own work; nothing is PUBLIC's.
REVOKE ALL ON SCHEMA callhook_store, callhook FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA callhook_store, callhook FROM PUBLIC;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA callhook_store, callhook
    FROM PUBLIC;

DO $$
DECLARE
    statement text;
    role text;
BEGIN
    FOR role, statement IN VALUES
        ('callhook_receiver', 'GRANT USAGE ON SCHEMA callhook_store'),
        ('callhook_receiver',
         'GRANT INSERT (notification_id, received_at, tenant_id,
              subscription_id, change_type, lifecycle_event, call_id,
              resource, subscription_expires_at, forwarded_for, extra)
          ON callhook_store.notifications'),
        ('callhook_receiver',
         'GRANT EXECUTE ON FUNCTION callhook_store.schema_major(),
              callhook_store.good_secrets(bigint),
              callhook_store.add_minute(timestamptz, text, bigint[],
                  integer[], bigint, bigint),
              callhook_store.add_refusals(uuid[], uuid[], text[],
                  bigint[])'),
        ('callhook_renewer', 'GRANT USAGE ON SCHEMA callhook_store, callhook'),
        ('callhook_renewer',
         'GRANT SELECT, INSERT, UPDATE, DELETE
          ON callhook_store.subscriptions, callhook_store.gaps,
              callhook_store.lifecycle_handled, callhook_store.tenants'),
        ('callhook_renewer',
         'GRANT SELECT, DELETE ON callhook_store.refusals'),
        ('callhook_renewer', 'GRANT SELECT ON callhook_store.notifications'),
        ('callhook_renewer', 'GRANT SELECT ON ALL TABLES IN SCHEMA callhook'),
        ('callhook_renewer',
         'GRANT EXECUTE ON FUNCTION callhook_store.schema_major(),
              callhook_store.make_partitions(integer),
              callhook_store.remove_simulated(uuid),
              callhook_store.next_window(uuid, text, bigint, bigint, bigint),
              callhook_store.close_listed_gaps(uuid),
              callhook_store.status(json, boolean),
              callhook_store.fold_notifications(integer),
              callhook_store.set_reading(uuid, boolean),
              callhook_store.claim_calls(uuid, integer, uuid[], interval),
              callhook_store.want_calls(uuid, uuid[]),
              callhook_store.take_pages(uuid, json, json),
              callhook_store.release_call(uuid, uuid, bigint, interval),
              callhook_store.reading_failed(uuid, uuid, bigint, integer, text,
                  text),
              callhook_store.take_listed(uuid, text, json),
              callhook_store.note_listing(uuid, text, timestamptz,
                  timestamptz, bigint, bigint, bigint),
              callhook_store.retain(integer, integer),
              callhook_store.forget_person(text)'),
        ('callhook_reader', 'GRANT USAGE ON SCHEMA callhook'),
        ('callhook_reader', 'GRANT SELECT ON ALL TABLES IN SCHEMA callhook')
    LOOP
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('%s TO %I', statement, role);
        END IF;
    END LOOP;
END
$$;
