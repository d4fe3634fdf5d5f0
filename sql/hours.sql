-- Notifications by the hour in which they came, counted by the renewer when it
-- folds them: each once, however late a row appears.

CREATE TABLE IF NOT EXISTS callhook_store.notification_hours (
    tenant_id uuid NOT NULL,
    hour timestamptz NOT NULL,
    notifications bigint NOT NULL,
    changes bigint NOT NULL, -- of them: what is no lifecycle event
    last_change_at timestamptz,
    PRIMARY KEY (tenant_id, hour)
) WITH (fillfactor = 70); -- the hour that lasts is updated each minute
-- Of all tenants those of a week; they come in this order.
DO $$
BEGIN
    IF to_regclass('callhook_store.notification_hours_hour') IS NULL THEN
        CREATE INDEX notification_hours_hour
            ON callhook_store.notification_hours
            USING brin (hour) WITH (pages_per_range = 16, autosummarize = on);
    END IF;
END
$$;

-- The arrays are parallel. Two that fold at the same time wait for each other
-- before they come here.
CREATE OR REPLACE FUNCTION callhook_store.add_to_hours(
    tenants uuid[], times timestamptz[], are_changes boolean[])
RETURNS void
LANGUAGE sql
AS $$
    INSERT INTO callhook_store.notification_hours AS h
    SELECT n.tenant_id, date_trunc('hour', n.at, 'UTC'), count(*),
           count(*) FILTER (WHERE n.is_change),
           max(n.at) FILTER (WHERE n.is_change)
    FROM unnest(tenants, times, are_changes) AS n (tenant_id, at, is_change)
    GROUP BY 1, 2
    ON CONFLICT (tenant_id, hour) DO UPDATE SET
        notifications = h.notifications + excluded.notifications,
        changes = h.changes + excluded.changes,
        last_change_at = greatest(h.last_change_at, excluded.last_change_at);
$$;
COMMENT ON FUNCTION callhook_store.add_to_hours(
    uuid[], timestamptz[], boolean[]) IS
    'Counts notifications in the hours in which they came.';

CREATE OR REPLACE VIEW callhook.notifications_by_hour AS
SELECT nullif(tenant_id, '00000000-0000-0000-0000-000000000000')
           AS tenant_id,
       hour,
       notifications
FROM callhook_store.notification_hours;

COMMENT ON VIEW callhook.notifications_by_hour IS
    'How many notifications came in each hour, simulated ones left out. The '
    'renewer counts them, each minute; they stay when notifications are '
    'removed.';
COMMENT ON COLUMN callhook.notifications_by_hour.tenant_id IS
    'The Microsoft 365 tenant.';
COMMENT ON COLUMN callhook.notifications_by_hour.hour IS
    'When the hour began, UTC.';
COMMENT ON COLUMN callhook.notifications_by_hour.notifications IS
    'How many came, lifecycle notifications among them.';
