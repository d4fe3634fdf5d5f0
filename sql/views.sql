-- What people and reporting tools read. Later versions add columns at the
-- end and never rename one.
CREATE SCHEMA IF NOT EXISTS callhook;
COMMENT ON SCHEMA callhook IS
    'Microsoft Teams calls as Microsoft Graph told them: stable views.';

CREATE OR REPLACE VIEW callhook.notifications AS
SELECT notification_id,
       received_at,
       stored_at,
       nullif(tenant_id, '00000000-0000-0000-0000-000000000000') AS tenant_id,
       subscription_id,
       change_type,
       lifecycle_event,
       call_id,
       resource,
       subscription_expires_at,
       forwarded_for,
       extra
FROM callhook_store.notifications;

COMMENT ON VIEW callhook.notifications IS
    'Every notification that Graph delivered, one row each. Graph repeats '
    'itself: one call may have many.';
COMMENT ON COLUMN callhook.notifications.notification_id IS
    'Made by the receiver; sorts by time.';
COMMENT ON COLUMN callhook.notifications.received_at IS
    'When the receiver had the request. Bound it in queries: the table is '
    'partitioned by month of it.';
COMMENT ON COLUMN callhook.notifications.stored_at IS
    'When the database took the row. To load incrementally, read from a '
    'minute before the last value seen.';
COMMENT ON COLUMN callhook.notifications.tenant_id IS
    'The Microsoft 365 tenant that the change came from.';
COMMENT ON COLUMN callhook.notifications.subscription_id IS
    'The Graph subscription that it was delivered for.';
COMMENT ON COLUMN callhook.notifications.change_type IS
    'created or updated, as Graph says; null for lifecycle items.';
COMMENT ON COLUMN callhook.notifications.lifecycle_event IS
    'missed, subscriptionRemoved or reauthorizationRequired; null for changes.';
COMMENT ON COLUMN callhook.notifications.call_id IS
    'The call record''s id; null for other resources.';
COMMENT ON COLUMN callhook.notifications.resource IS
    'The path of the resource that changed, as sent.';
COMMENT ON COLUMN callhook.notifications.subscription_expires_at IS
    'When the subscription would have ended, at the time of delivery.';
COMMENT ON COLUMN callhook.notifications.forwarded_for IS
    'X-Forwarded-For of the request, else the address of the peer.';
COMMENT ON COLUMN callhook.notifications.extra IS
    'Members that have no column, with their own names and nesting.';

CREATE OR REPLACE VIEW callhook.subscriptions AS
SELECT s.tenant,
       nullif(s.tenant_id, '00000000-0000-0000-0000-000000000000')
           AS tenant_id,
       s.subscription_id,
       s.resource,
       s.change_type,
       split_part(s.notification_url, '?', 1) AS notification_url,
       s.expires_at,
       s.renewed_at,
       n.last_notification_at,
       CASE WHEN s.ended_at IS NOT NULL OR s.expires_at <= now() THEN 'ended'
            WHEN s.subscription_id IS NULL THEN 'announced'
            ELSE 'live' END AS state
FROM callhook_store.subscriptions AS s
LEFT JOIN LATERAL (
    SELECT max(received_at) AS last_notification_at
    FROM callhook_store.notifications
    WHERE subscription_id = s.subscription_id
      AND received_at > now() - interval '31 days'
) AS n ON s.subscription_id IS NOT NULL
WHERE s.ended_at IS NULL OR s.ended_at > s.announced_at; -- no simulations

COMMENT ON VIEW callhook.subscriptions IS
    'The subscriptions that the renewer keeps, and those that ended.';
COMMENT ON COLUMN callhook.subscriptions.tenant IS
    'The tenant''s name in the renewer''s configuration.';
COMMENT ON COLUMN callhook.subscriptions.tenant_id IS
    'The Microsoft 365 tenant.';
COMMENT ON COLUMN callhook.subscriptions.subscription_id IS
    'Graph''s id; null while the subscription is only announced.';
COMMENT ON COLUMN callhook.subscriptions.resource IS
    'The resource that is subscribed to.';
COMMENT ON COLUMN callhook.subscriptions.change_type IS
    'The kinds of change that are subscribed to.';
COMMENT ON COLUMN callhook.subscriptions.notification_url IS
    'Where Graph delivers to, without its query.';
COMMENT ON COLUMN callhook.subscriptions.expires_at IS
    'When it ends if it is not renewed, as Graph granted it.';
COMMENT ON COLUMN callhook.subscriptions.renewed_at IS
    'When it was last created or renewed.';
COMMENT ON COLUMN callhook.subscriptions.last_notification_at IS
    'The last delivery for it within 31 days.';
COMMENT ON COLUMN callhook.subscriptions.state IS
    'announced, live or ended.';

CREATE OR REPLACE VIEW callhook.gaps AS
SELECT tenant,
       nullif(tenant_id, '00000000-0000-0000-0000-000000000000') AS tenant_id,
       resource,
       change_type,
       reason,
       begins_at,
       ends_at,
       noted_at,
       closed_at,
       found
FROM callhook_store.gaps;

COMMENT ON VIEW callhook.gaps IS
    'Times for which notifications may be missing.';
COMMENT ON COLUMN callhook.gaps.tenant IS
    'The tenant''s name in the renewer''s configuration.';
COMMENT ON COLUMN callhook.gaps.tenant_id IS
    'The Microsoft 365 tenant.';
COMMENT ON COLUMN callhook.gaps.resource IS
    'The resource whose changes may be missing.';
COMMENT ON COLUMN callhook.gaps.change_type IS
    'The kinds of change that may be missing.';
COMMENT ON COLUMN callhook.gaps.reason IS
    'Why they may be missing.';
COMMENT ON COLUMN callhook.gaps.begins_at IS
    'From when on changes may be missing.';
COMMENT ON COLUMN callhook.gaps.ends_at IS
    'Until when; null while it lasts.';
COMMENT ON COLUMN callhook.gaps.noted_at IS
    'When the renewer noticed.';
COMMENT ON COLUMN callhook.gaps.closed_at IS
    'When Graph was searched for what is missing; null: not yet.';
COMMENT ON COLUMN callhook.gaps.found IS
    'How many missing calls that search found.';

-- The receiver's buckets: the first up to 64 us, then four to an octave.
CREATE OR REPLACE VIEW callhook.receiver_minutes AS
SELECT m.minute,
       m.host,
       m.counters[1] AS requests,
       m.counters[2] AS handshakes,
       m.counters[3] AS stored,
       m.counters[4] AS refused_unknown,
       m.counters[5] AS refused_secret,
       m.counters[6] AS refused_malformed,
       m.counters[7] AS bad_requests,
       m.counters[8] AS spooled,
       m.spool_bytes,
       m.counters[9] AS rejected,
       m.counters[10] AS over_3s,
       t.p50_ms,
       t.p95_ms,
       t.p99_ms,
       m.max_us / 1000.0::double precision AS max_ms
FROM callhook_store.receiver_minutes AS m
CROSS JOIN LATERAL (
    SELECT min(least(upper_us, m.max_us)) FILTER (WHERE running >= 0.50 * total)
               / 1000.0::double precision AS p50_ms,
           min(least(upper_us, m.max_us)) FILTER (WHERE running >= 0.95 * total)
               / 1000.0::double precision AS p95_ms,
           min(least(upper_us, m.max_us)) FILTER (WHERE running >= 0.99 * total)
               / 1000.0::double precision AS p99_ms
    FROM (
        SELECT CASE WHEN n = 1 THEN 64
                    ELSE (5 + (n - 2) % 4) * power(2, 4 + (n - 2) / 4)
               END AS upper_us,
               sum(answers) OVER (ORDER BY n) AS running,
               sum(answers) OVER () AS total
        FROM unnest(m.times) WITH ORDINALITY AS bucket (answers, n)
    ) AS buckets
    WHERE total > 0
) AS t;

COMMENT ON VIEW callhook.receiver_minutes IS
    'What the receivers did, by minute and host. Plain CGI programs are not '
    'counted.';
COMMENT ON COLUMN callhook.receiver_minutes.minute IS
    'When the minute began.';
COMMENT ON COLUMN callhook.receiver_minutes.host IS
    'The name of the receiver''s host.';
COMMENT ON COLUMN callhook.receiver_minutes.requests IS
    'HTTP requests answered, of any kind.';
COMMENT ON COLUMN callhook.receiver_minutes.handshakes IS
    'Validation tokens sent back.';
COMMENT ON COLUMN callhook.receiver_minutes.stored IS
    'Items stored in the database, from requests or from the spool.';
COMMENT ON COLUMN callhook.receiver_minutes.refused_unknown IS
    'Items refused for a subscription that is not known.';
COMMENT ON COLUMN callhook.receiver_minutes.refused_secret IS
    'Items refused for another secret or tenant than the subscription''s.';
COMMENT ON COLUMN callhook.receiver_minutes.refused_malformed IS
    'Items refused for a fault of their own form.';
COMMENT ON COLUMN callhook.receiver_minutes.bad_requests IS
    'Requests answered with 400, 405 or 413.';
COMMENT ON COLUMN callhook.receiver_minutes.spooled IS
    'Items that went to the spool.';
COMMENT ON COLUMN callhook.receiver_minutes.spool_bytes IS
    'Bytes in the spool, when it was last written to.';
COMMENT ON COLUMN callhook.receiver_minutes.rejected IS
    'Rows that the database refused for what they hold.';
COMMENT ON COLUMN callhook.receiver_minutes.over_3s IS
    'Answers later than Graph waits for.';
COMMENT ON COLUMN callhook.receiver_minutes.p50_ms IS
    'Half of the answers took at most this long (to a fifth exactly).';
COMMENT ON COLUMN callhook.receiver_minutes.p95_ms IS
    '95 of 100 answers took at most this long.';
COMMENT ON COLUMN callhook.receiver_minutes.p99_ms IS
    '99 of 100 answers took at most this long.';
COMMENT ON COLUMN callhook.receiver_minutes.max_ms IS
    'The longest answer.';
