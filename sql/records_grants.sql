-- The renewer works on calls and records through functions alone; it looks up
-- what has been listed.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'callhook_renewer') THEN
        GRANT EXECUTE ON FUNCTION
            callhook_store.fold_notifications(integer),
            callhook_store.set_reading(uuid, boolean),
            callhook_store.claim_calls(uuid, integer, uuid[], interval),
            callhook_store.want_calls(uuid, uuid[]),
            callhook_store.store_page(uuid, uuid, bigint, text, integer,
                                      json),
            callhook_store.finish_records(uuid, uuid[], bigint[], json),
            callhook_store.release_call(uuid, uuid, bigint, interval),
            callhook_store.reading_failed(uuid, uuid, bigint, integer, text,
                                          text),
            callhook_store.store_pstn_rows(uuid, json),
            callhook_store.store_direct_routing_rows(uuid, json),
            callhook_store.file_listed_calls(uuid, json),
            callhook_store.note_listing(uuid, timestamptz, timestamptz,
                                        bigint, bigint, bigint),
            callhook_store.close_gaps(uuid, timestamptz, timestamptz),
            callhook_store.retain(integer, integer),
            callhook_store.forget_person(text)
        TO callhook_renewer;
    END IF;
END
$$;
