-- The views of records and logs, made from members.sql. Later versions
-- add columns at the end: those that a view has keep their order.
CREATE TEMPORARY TABLE record_views (
    view text NOT NULL,
    n integer GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    expression text NOT NULL,
    comment text NOT NULL
) ON COMMIT DROP;

CREATE TEMPORARY TABLE record_keys (
    n integer GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    expression text NOT NULL,
    comment text NOT NULL,
    views text[] NOT NULL
) ON COMMIT DROP;
INSERT INTO pg_temp.record_keys (name, expression, comment, views) VALUES
    ('tenant_id',
     'nullif(t.tenant_id, ''00000000-0000-0000-0000-000000000000'')',
     'The Microsoft 365 tenant.',
     '{call_records,participants,sessions,segments,media,streams,feedback,
       pstn_calls,direct_routing_calls}'),
    ('call_id', 't.call_id', 'The call record''s id.',
     '{call_records,participants,sessions,segments,media,streams,feedback}'),
    ('id', 't.id', 'Graph''s id of the row.',
     '{pstn_calls,direct_routing_calls}'),
    ('participant_no', 't.participant_no',
     'Number of the participant in the call, from 1.', '{participants}'),
    ('session_no', 't.session_no', 'Number of the session in the call, from 1.',
     '{sessions,segments,media,streams,feedback}'),
    ('segment_no', 't.segment_no',
     'Number of the segment in the session, from 1.',
     '{segments,media,streams}'),
    ('segment_no', 'nullif(t.segment_no, 0)',
     'Number of the segment in the session, of the first that has it; null '
     'if the session itself does.', '{feedback}'),
    ('media_no', 't.media_no', 'Number of the media in the segment, from 1.',
     '{media,streams}'),
    ('stream_no', 't.stream_no', 'Number of the stream in the media, from 1.',
     '{streams}'),
    ('side', 't.side', 'Whose it is: caller or callee.', '{feedback}'),
    ('participants', 't.participants', 'How many participants.',
     '{call_records}'),
    ('sessions', 't.sessions', 'How many sessions.', '{call_records}'),
    ('read_at', 't.read_at', 'When this was read from Graph.',
     '{call_records,pstn_calls,direct_routing_calls}');
INSERT INTO pg_temp.record_views (view, name, expression, comment)
SELECT view, name, expression, comment
FROM pg_temp.record_keys CROSS JOIN unnest(views) AS view ORDER BY n;

INSERT INTO pg_temp.record_views (view, name, expression, comment)
SELECT part, name, 't.' || quote_ident(name), comment
FROM pg_temp.record_columns WHERE name IS NOT NULL ORDER BY object, place;

-- A stream is read with its media, and with who sent and who heard it.
INSERT INTO pg_temp.record_views (view, name, expression, comment)
SELECT 'streams', name, 'm.' || quote_ident(name), comment
FROM pg_temp.record_columns
WHERE part = 'media' AND name IS NOT NULL ORDER BY object, place;
INSERT INTO pg_temp.record_views (view, name, expression, comment) VALUES
    ('streams', 'sender_id',
     'CASE t.stream_direction WHEN ''callerToCallee'' THEN w.caller_id
                              WHEN ''calleeToCaller'' THEN w.callee_id END',
     'Who sent: Graph''s id, or a phone''s number.'),
    ('streams', 'sender_name',
     'CASE t.stream_direction WHEN ''callerToCallee'' THEN w.caller_name
                              WHEN ''calleeToCaller'' THEN w.callee_name END',
     'Who sent: the name shown.'),
    ('streams', 'receiver_id',
     'CASE t.stream_direction WHEN ''callerToCallee'' THEN w.callee_id
                              WHEN ''calleeToCaller'' THEN w.caller_id END',
     'Who heard or saw it: Graph''s id, or a phone''s number.'),
    ('streams', 'receiver_name',
     'CASE t.stream_direction WHEN ''callerToCallee'' THEN w.callee_name
                              WHEN ''calleeToCaller'' THEN w.caller_name END',
     'Who heard or saw it: the name shown.'),
    ('streams', 'media_extra', 'm.extra',
     'Members of the media that have no column.');
INSERT INTO pg_temp.record_views (view, name, expression, comment)
SELECT part, 'extra', 't.extra',
       'Members that have no column, and values that fit none, with their '
       'own names and nesting.'
FROM pg_temp.record_parts;

DO $do$
DECLARE
    view_name text;
    view_comment text;
    source text;
    columns text;
    col record;
BEGIN
    FOR view_name, view_comment, source IN VALUES
        ('call_records', 'Call records, the newest version of each.', ''),
        ('participants', 'Participants of the calls. Peer-to-peer calls may '
         'have none: there, read caller and callee of the sessions.', ''),
        ('sessions', 'Sessions of the calls: one for each participant of a '
         'meeting, one in all for a call of two.', ''),
        ('segments', 'Segments of the sessions.', ''),
        ('media', 'Media of the segments: devices and networks of both sides.',
         ''),
        ('streams', 'Media streams, with the devices and networks of their '
         'media, and who sent and who heard them.', $sql$
         JOIN callhook_store.media AS m
             USING (call_id, tenant_id, session_no, segment_no, media_no)
         JOIN callhook_store.segments AS g
             USING (call_id, tenant_id, session_no, segment_no)
         JOIN callhook_store.sessions AS s
             USING (call_id, tenant_id, session_no)
         CROSS JOIN LATERAL (SELECT
             coalesce(g.caller_identity_id, s.caller_identity_id),
             CASE WHEN g.caller_identity_id IS NULL
                  THEN s.caller_identity_name ELSE g.caller_identity_name END,
             coalesce(g.callee_identity_id, s.callee_identity_id),
             CASE WHEN g.callee_identity_id IS NULL
                  THEN s.callee_identity_name ELSE g.callee_identity_name END)
             AS w (caller_id, caller_name, callee_id, callee_name)$sql$),
        ('feedback', 'What users said of the quality of a call, once: Graph '
         'repeats a session''s in its segments.', $sql$
         WHERE NOT EXISTS (
             SELECT FROM callhook_store.feedback AS f
             WHERE f.call_id = t.call_id AND f.tenant_id = t.tenant_id
               AND f.session_no = t.session_no AND f.side = t.side
               AND f.segment_no < t.segment_no
               AND (f.rating, f.text, f.tokens, f.extra)
                   IS NOT DISTINCT FROM (t.rating, t.text, t.tokens, t.extra)
             )$sql$),
        ('pstn_calls', 'Phone calls over Microsoft''s calling plans, from '
         'the tenant''s log.', ''),
        ('direct_routing_calls', 'Phone calls over Direct Routing, from the '
         'tenant''s log.', '')
    LOOP
        SELECT string_agg(v.expression || ' AS ' || quote_ident(v.name), ', '
                          ORDER BY a.attnum, v.n)
        INTO columns
        FROM pg_temp.record_views AS v
        LEFT JOIN pg_attribute AS a
            ON a.attrelid = to_regclass('callhook.' || quote_ident(v.view))
           AND a.attname = v.name
        WHERE v.view = view_name;
        EXECUTE format('CREATE OR REPLACE VIEW callhook.%I AS
                        SELECT %s FROM callhook_store.%I AS t %s',
                       view_name, columns, view_name, source);
        EXECUTE format('COMMENT ON VIEW callhook.%I IS %L', view_name,
                       view_comment);
        FOR col IN SELECT name, comment FROM pg_temp.record_views
                   WHERE view = view_name
        LOOP
            EXECUTE format('COMMENT ON COLUMN callhook.%I.%I IS %L',
                           view_name, col.name, col.comment);
        END LOOP;
    END LOOP;
END
$do$;
