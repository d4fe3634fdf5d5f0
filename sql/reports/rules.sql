-- What makes a stream poor and what became of a call: rules as data, each
-- valid from a day on until a newer one for the same takes its place. A change
-- is applied at once to what is stored.

-- measure: packets (a stream is classified only above), jitter_ms,
-- round_trip_ms, loss, frame_loss_percent, frame_rate, repaired_loss. Poor
-- above or below the limit; rules of one step stand together, and the first
-- step with a measure that Graph reports decides. No limit: no rule.
CREATE TABLE IF NOT EXISTS callhook_store.quality_rule (
    media text NOT NULL CHECK (media IN ('audio', 'video', 'screen_sharing')),
    measure text NOT NULL CHECK (measure IN (
        'packets', 'jitter_ms', 'round_trip_ms', 'loss', 'frame_loss_percent',
        'frame_rate', 'repaired_loss')),
    above double precision,
    valid_from date NOT NULL DEFAULT '0001-01-01',
    below double precision,
    step integer NOT NULL DEFAULT 1 CHECK (step BETWEEN 1 AND 3),
    PRIMARY KEY (media, measure, valid_from)
);

-- stage: of the failure as Graph names it, null for none; in a phone log
-- connected or not_connected. reason: a pattern of LIKE, in any case; null:
-- any. sip_code: null: any. The most particular rule wins, then the newest.
CREATE TABLE IF NOT EXISTS callhook_store.disposition_rule (
    source text NOT NULL CHECK (source IN ('record', 'pstn',
                                           'direct_routing')),
    stage text,
    reason text,
    sip_code integer,
    disposition text NOT NULL CHECK (disposition IN (
        'answered', 'missed', 'declined', 'failed', 'voicemail', 'unknown')),
    valid_from date NOT NULL DEFAULT '0001-01-01'
);

-- LIKE fails where a pattern ends with an escape, and each record that came to
-- it would fail with it.
DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_constraint
        WHERE conrelid = 'callhook_store.disposition_rule'::regclass
          AND conname = 'disposition_rule_reason') THEN
        ALTER TABLE callhook_store.disposition_rule
            ADD CONSTRAINT disposition_rule_reason
            CHECK (reason !~ '(^|[^\\])(\\\\)*\\$') NOT VALID;
    END IF;
END
$$;

-- The defaults are written once; what the site makes of them stays.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM callhook_store.quality_rule) THEN
        INSERT INTO callhook_store.quality_rule
            (media, measure, above, below, step) VALUES
        -- learn.microsoft.com/microsoftteams/
        -- stream-classification-in-call-quality-dashboard, "Audio classifier";
        -- streams of fewer than 500 packets are left unclassified there.
        ('audio', 'packets', 500, NULL, 1),
        ('audio', 'jitter_ms', 30, NULL, 1),
        ('audio', 'round_trip_ms', 500, NULL, 1),
        ('audio', 'loss', 0.10, NULL, 1),
        -- The same page, "Video classifier": Video Local Frame Loss
        -- Percentage Avg, else Video Frame Rate Avg, else Video Post FECPLR.
        ('video', 'frame_loss_percent', 50, NULL, 1),
        ('video', 'frame_rate', NULL, 7, 2),
        ('video', 'repaired_loss', 0.15, NULL, 3),
        -- The same page, "VBSS classifier".
        ('screen_sharing', 'frame_loss_percent', 50, NULL, 1),
        ('screen_sharing', 'frame_rate', NULL, 2, 2),
        ('screen_sharing', 'repaired_loss', 0.15, NULL, 3);
    END IF;
    IF NOT EXISTS (SELECT FROM callhook_store.disposition_rule) THEN
        INSERT INTO callhook_store.disposition_rule
            (source, stage, reason, sip_code, disposition) VALUES
        -- Graph, resource callRecords.session: failureInfo is there if the
        -- session failed. Of callSetup alone nothing follows: who hangs up in
        -- a menu counts as one, too (microsoftgraph/
        -- microsoft-graph-docs-contrib issue 3393). Graph does not publish
        -- the words of reason, and leaves it out at times (microsoftgraph/
        -- microsoft-graph-docs issue 11584): a site adds those it sees.
        ('record', NULL, NULL, NULL, 'answered'),
        -- Graph, pstnCallLogRow: duration in seconds; the log has no reason.
        ('pstn', 'connected', NULL, NULL, 'answered'),
        -- Graph, directRoutingLogRow: successfulCall, finalSipCode.
        ('direct_routing', 'connected', NULL, NULL, 'answered'),
        -- RFC 3261, section 21, and learn.microsoft.com/microsoftteams/
        -- troubleshoot/phone-system/direct-routing/
        -- microsoft-sip-response-codes. 408 and 480: nobody answered; 487:
        -- the caller gave up while it rang.
        ('direct_routing', 'not_connected', NULL, 408, 'missed'),
        ('direct_routing', 'not_connected', NULL, 480, 'missed'),
        ('direct_routing', 'not_connected', NULL, 487, 'missed'),
        -- Busy or refused by the one who was called.
        ('direct_routing', 'not_connected', NULL, 486, 'declined'),
        ('direct_routing', 'not_connected', NULL, 600, 'declined'),
        ('direct_routing', 'not_connected', NULL, 603, 'declined'),
        -- Numbers, rights, codecs, servers.
        ('direct_routing', 'not_connected', NULL, 400, 'failed'),
        ('direct_routing', 'not_connected', NULL, 403, 'failed'),
        ('direct_routing', 'not_connected', NULL, 404, 'failed'),
        ('direct_routing', 'not_connected', NULL, 410, 'failed'),
        ('direct_routing', 'not_connected', NULL, 484, 'failed'),
        ('direct_routing', 'not_connected', NULL, 488, 'failed'),
        ('direct_routing', 'not_connected', NULL, 500, 'failed'),
        ('direct_routing', 'not_connected', NULL, 502, 'failed'),
        ('direct_routing', 'not_connected', NULL, 503, 'failed'),
        ('direct_routing', 'not_connected', NULL, 504, 'failed'),
        ('direct_routing', 'not_connected', NULL, 604, 'failed'),
        ('direct_routing', 'not_connected', NULL, 606, 'failed');
    END IF;
END
$$;

-- The rules of quality as a stream meets them: for each media and span of
-- days one row. Made from quality_rule at each change.
CREATE TABLE IF NOT EXISTS callhook_store.report_limits (
    media "char" NOT NULL,
    begins date NOT NULL,
    ends date NOT NULL,
    packets double precision,
    jitter_ms double precision, jitter_step integer,
    round_trip_ms double precision, round_trip_step integer,
    loss double precision, loss_step integer,
    frame_loss double precision, frame_loss_step integer,
    frame_rate double precision, frame_rate_step integer,
    repaired_loss double precision, repaired_loss_step integer
);

CREATE OR REPLACE FUNCTION callhook_store.make_report_limits()
RETURNS void
LANGUAGE sql
AS $$
    DELETE FROM callhook_store.report_limits;
    INSERT INTO callhook_store.report_limits
    SELECT CASE s.media WHEN 'audio' THEN 'a' WHEN 'video' THEN 'v'
                        ELSE 's' END::"char", s.begins, s.ends,
           max(above) FILTER (WHERE measure = 'packets'),
           max(above) FILTER (WHERE measure = 'jitter_ms'),
           max(step) FILTER (WHERE measure = 'jitter_ms'),
           max(above) FILTER (WHERE measure = 'round_trip_ms'),
           max(step) FILTER (WHERE measure = 'round_trip_ms'),
           max(above) FILTER (WHERE measure = 'loss'),
           max(step) FILTER (WHERE measure = 'loss'),
           max(above) FILTER (WHERE measure = 'frame_loss_percent'),
           max(step) FILTER (WHERE measure = 'frame_loss_percent'),
           max(below) FILTER (WHERE measure = 'frame_rate'),
           max(step) FILTER (WHERE measure = 'frame_rate'),
           max(above) FILTER (WHERE measure = 'repaired_loss'),
           max(step) FILTER (WHERE measure = 'repaired_loss')
    FROM (SELECT media, valid_from AS begins,
                 lead(valid_from, 1, 'infinity')
                     OVER (PARTITION BY media ORDER BY valid_from) AS ends
          FROM (SELECT DISTINCT media, valid_from
                FROM callhook_store.quality_rule) AS d) AS s
    JOIN LATERAL (
        SELECT DISTINCT ON (measure) measure, above, below, step
        FROM callhook_store.quality_rule AS q
        WHERE q.media = s.media AND q.valid_from <= s.begins
        ORDER BY measure, valid_from DESC) AS r ON true
    GROUP BY s.media, s.begins, s.ends;
$$;
COMMENT ON FUNCTION callhook_store.make_report_limits() IS
    'Makes report_limits from quality_rule.';
DO $$ BEGIN PERFORM callhook_store.make_report_limits(); END $$;

-- Each step is one of the three that stream_verdict asks; of the measures of a
-- step those that Graph does not report are null. These are plain expressions,
-- so that PostgreSQL puts them in line: a call would cost more than all else.
CREATE OR REPLACE FUNCTION callhook_store.step_verdict(
    a boolean, b boolean, c boolean, d boolean, e boolean, f boolean)
RETURNS "char"
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE WHEN a OR b OR c OR d OR e OR f THEN 'p'::"char"
                WHEN num_nonnulls(a, b, c, d, e, f) > 0 THEN 'g' END;
$$;
COMMENT ON FUNCTION callhook_store.step_verdict(
    boolean, boolean, boolean, boolean, boolean, boolean) IS
    'Poor if one measure is, good if none of those reported is, else null.';

CREATE OR REPLACE FUNCTION callhook_store.stream_verdict(
    l callhook_store.report_limits, s callhook_store.streams)
RETURNS "char"
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE
        WHEN num_nonnulls(s.average_jitter_ms, s.average_round_trip_time_ms,
                          s.average_packet_loss_rate) = 0
          OR l.packets IS NOT NULL
             AND coalesce(s.packet_utilization, 0) <= l.packets THEN 'u'
        ELSE coalesce(
        callhook_store.step_verdict(
            CASE WHEN l.jitter_step = 1
                 THEN s.average_jitter_ms > l.jitter_ms END,
            CASE WHEN l.round_trip_step = 1
                 THEN s.average_round_trip_time_ms > l.round_trip_ms END,
            CASE WHEN l.loss_step = 1
                 THEN s.average_packet_loss_rate > l.loss END,
            CASE WHEN l.frame_loss_step = 1
                 THEN s.average_video_frame_loss_percentage > l.frame_loss END,
            CASE WHEN l.frame_rate_step = 1
                 THEN s.average_video_frame_rate < l.frame_rate END,
            CASE WHEN l.repaired_loss_step = 1
                 THEN s.post_forward_error_correction_packet_loss_rate
                     > l.repaired_loss END),
        callhook_store.step_verdict(
            CASE WHEN l.jitter_step = 2
                 THEN s.average_jitter_ms > l.jitter_ms END,
            CASE WHEN l.round_trip_step = 2
                 THEN s.average_round_trip_time_ms > l.round_trip_ms END,
            CASE WHEN l.loss_step = 2
                 THEN s.average_packet_loss_rate > l.loss END,
            CASE WHEN l.frame_loss_step = 2
                 THEN s.average_video_frame_loss_percentage > l.frame_loss END,
            CASE WHEN l.frame_rate_step = 2
                 THEN s.average_video_frame_rate < l.frame_rate END,
            CASE WHEN l.repaired_loss_step = 2
                 THEN s.post_forward_error_correction_packet_loss_rate
                     > l.repaired_loss END),
        callhook_store.step_verdict(
            CASE WHEN l.jitter_step = 3
                 THEN s.average_jitter_ms > l.jitter_ms END,
            CASE WHEN l.round_trip_step = 3
                 THEN s.average_round_trip_time_ms > l.round_trip_ms END,
            CASE WHEN l.loss_step = 3
                 THEN s.average_packet_loss_rate > l.loss END,
            CASE WHEN l.frame_loss_step = 3
                 THEN s.average_video_frame_loss_percentage > l.frame_loss END,
            CASE WHEN l.frame_rate_step = 3
                 THEN s.average_video_frame_rate < l.frame_rate END,
            CASE WHEN l.repaired_loss_step = 3
                 THEN s.post_forward_error_correction_packet_loss_rate
                     > l.repaired_loss END), 'u') END::"char";
$$;
COMMENT ON FUNCTION callhook_store.stream_verdict(
    callhook_store.report_limits, callhook_store.streams) IS
    'What the rules of its media and day say of a stream: p, g or u.';

-- By rule: a, v, d, m, f or u; no row: no rule knows.
CREATE OR REPLACE FUNCTION callhook_store.disposition_by_rule(
    log text, failure_stage text, failure_reason text, code integer,
    on_day date)
RETURNS TABLE (disposition "char")
LANGUAGE sql STABLE
AS $$
    SELECT left(r.disposition, 1)::"char"
    FROM callhook_store.disposition_rule AS r
    WHERE r.source = log AND r.stage IS NOT DISTINCT FROM failure_stage
      AND (r.reason IS NULL
           OR failure_reason COLLATE "C" ILIKE r.reason)
      AND (r.sip_code IS NULL OR r.sip_code = code)
      AND r.valid_from <= on_day
    ORDER BY r.reason IS NULL, r.sip_code IS NULL, r.valid_from DESC,
             length(r.reason) DESC, r.disposition
    LIMIT 1;
$$;
COMMENT ON FUNCTION callhook_store.disposition_by_rule(
    text, text, text, integer, date) IS
    'What the rules say became of a call.';
