-- Facts that reports are made of, filled in the record's own transaction:
-- numbers in the place of words that repeat, a row a call, a row a call and
-- person, a row a stream and a row of a phone log. README.md says how they go
-- together.

-- Words that repeat and name nobody: platforms, versions, reasons, trunks.
CREATE TABLE IF NOT EXISTS callhook_store.report_terms (
    term_no integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    term text NOT NULL UNIQUE CHECK (length(term) <= 600)
);

-- Persons, phones, rooms and bots; what retention and forget_person remove
-- here no fact can name any more. key: i and the id or, without one, n and the
-- name. seen_in: the last month of a call.
CREATE TABLE IF NOT EXISTS callhook_store.report_people (
    person_no integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid NOT NULL,
    key text NOT NULL,
    id text,
    name text,
    principal_name text,
    home_tenant text,
    department text,
    seen_in date NOT NULL,
    UNIQUE (key, tenant_id)
);

-- A device's name may tell whose it is.
CREATE TABLE IF NOT EXISTS callhook_store.report_devices (
    device_no integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid NOT NULL,
    name text NOT NULL CHECK (length(name) <= 600),
    seen_in date NOT NULL,
    UNIQUE (name, tenant_id)
);

-- Subnets as Graph writes them, and the building that each lies in.
CREATE TABLE IF NOT EXISTS callhook_store.report_subnets (
    subnet_no integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid NOT NULL,
    subnet text NOT NULL CHECK (length(subnet) <= 600),
    address inet,
    building text,
    floor text,
    UNIQUE (subnet, tenant_id)
);

-- Call queues, by the id of their resource account or by their name.
CREATE TABLE IF NOT EXISTS callhook_store.report_queues (
    queue_no integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid NOT NULL,
    key text NOT NULL,
    name text,       -- Graph's
    given_name text, -- the site's
    seen_at timestamptz, -- the name, first
    UNIQUE (key, tenant_id)
);
DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = 'callhook_store.report_queues'::regclass
          AND attname = 'seen_at' AND NOT attisdropped) THEN
        ALTER TABLE callhook_store.report_queues ADD COLUMN seen_at timestamptz;
    END IF;
END
$$;

-- Codes. kind: d peer to peer, m meeting, p phone. disposition: a answered,
-- v voicemail, d declined, m missed, f failed, u unknown. verdict, audio: p
-- poor, g good, u unclassified. direction: o out, i in, m meeting. media: a
-- audio, v video, s screen sharing, o another label.
CREATE TABLE IF NOT EXISTS callhook_store.report_calls (
    started_at timestamptz,
    ended_at timestamptz,
    call_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    day date NOT NULL, -- as that of callhook.calls
    seconds integer,
    people integer NOT NULL,
    queue_no integer,
    wait_seconds integer, -- in the queue
    audio_classified integer NOT NULL DEFAULT 0, -- streams with a verdict
    audio_poor integer NOT NULL DEFAULT 0,
    kind "char" NOT NULL,
    disposition "char" NOT NULL,
    external boolean,
    is_test boolean NOT NULL,
    failures integer[], -- stage_no and reason_no of its legs, each pair once
    PRIMARY KEY (call_id, tenant_id)
);
-- The status page reads a dirty day's figures of streams and legs by the call,
-- which are a tenth of the rows.
DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = 'callhook_store.report_calls'::regclass
          AND attname = 'failures' AND NOT attisdropped) THEN
        ALTER TABLE callhook_store.report_calls
            ADD COLUMN audio_classified integer NOT NULL DEFAULT 0,
            ADD COLUMN audio_poor integer NOT NULL DEFAULT 0,
            ADD COLUMN failures integer[];
        UPDATE callhook_store.report_calls AS c
        SET audio_classified = coalesce(s.classified, 0),
            audio_poor = coalesce(s.poor, 0), failures = l.failures
        FROM (SELECT call_id, tenant_id, count(*) AS classified,
                     count(*) FILTER (WHERE verdict = 'p') AS poor
              FROM callhook_store.report_streams
              WHERE media = 'a' AND verdict <> 'u' GROUP BY 1, 2) AS s
        FULL JOIN (
              SELECT call_id, tenant_id,
                     array_agg(DISTINCT ARRAY[stage_no, reason_no]) AS failures
              FROM callhook_store.report_legs
              WHERE stage_no IS NOT NULL OR reason_no IS NOT NULL
              GROUP BY 1, 2) AS l USING (call_id, tenant_id)
        WHERE c.call_id = coalesce(s.call_id, l.call_id)
          AND c.tenant_id = coalesce(s.tenant_id, l.tenant_id);
    END IF;
END
$$;

-- Of a large record, while it is taken apart: a row a session and person in
-- it. Nothing is left here when that transaction ends.
CREATE UNLOGGED TABLE IF NOT EXISTS callhook_store.report_sides (
    call_id uuid NOT NULL,
    origin integer NOT NULL,
    session_no integer NOT NULL,
    caller boolean NOT NULL,
    person_no integer,
    person_kind_no integer,
    leg integer NOT NULL,
    peer_no integer,
    peer_kind_no integer,
    peer_is_person boolean,
    started_at timestamptz,
    ended_at timestamptz,
    external boolean,
    rank integer NOT NULL,
    stage_no integer,
    reason_no integer,
    platform_no integer,
    version_no integer,
    subnet_no integer,
    rating_no integer,
    modalities smallint,
    audio integer
);

CREATE TABLE IF NOT EXISTS callhook_store.report_legs (
    started_at timestamptz,
    ended_at timestamptz,
    call_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    phone_no bigint, -- the row of a phone log that this is, too
    day date NOT NULL, -- the call's
    present_seconds integer,
    person_no integer,
    person_kind_no integer,
    peer_no integer,
    peer_kind_no integer,
    stage_no integer,
    reason_no integer,
    platform_no integer,
    version_no integer,
    subnet_no integer,
    queue_no integer,
    rating_no integer,
    modalities smallint NOT NULL, -- bits, see report_modalities
    kind "char" NOT NULL,
    direction "char" NOT NULL,
    disposition "char" NOT NULL,
    audio "char",
    external boolean,
    is_test boolean NOT NULL
) PARTITION BY RANGE (day);

CREATE TABLE IF NOT EXISTS callhook_store.report_streams (
    started_at timestamptz,
    call_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    jitter_ms double precision,
    round_trip_ms double precision,
    loss double precision,
    packets bigint,
    day date NOT NULL, -- the call's
    session_no integer NOT NULL,
    segment_no integer NOT NULL,
    media_no integer NOT NULL,
    stream_no integer NOT NULL,
    seconds integer,
    sender_no integer,
    receiver_no integer,
    sender_platform_no integer,
    receiver_platform_no integer,
    sender_version_no integer,
    receiver_version_no integer,
    sender_device_no integer,
    receiver_device_no integer,
    sender_connection_no integer,
    receiver_connection_no integer,
    sender_subnet_no integer,
    receiver_subnet_no integer,
    transport_no integer,
    label_no integer, -- of another media than the three
    label text,       -- alike
    media "char" NOT NULL,
    kind "char" NOT NULL,
    verdict "char" NOT NULL,
    forth boolean, -- from the caller to the callee
    is_test boolean NOT NULL
) PARTITION BY RANGE (day);
DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = 'callhook_store.report_streams'::regclass
          AND attname = 'label' AND NOT attisdropped) THEN
        ALTER TABLE callhook_store.report_streams ADD COLUMN label text;
        UPDATE callhook_store.report_streams SET label = term
        FROM callhook_store.report_terms
        WHERE media = 'o' AND term_no = label_no;
    END IF;
END
$$;

-- Rows of the phone logs. call_id: of the record that knows the call, too.
CREATE TABLE IF NOT EXISTS callhook_store.report_phones (
    phone_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    started_at timestamptz,
    ended_at timestamptz,
    tenant_id uuid NOT NULL,
    call_id uuid,
    correlation_id uuid,
    id text NOT NULL,
    charge numeric,
    own_charge boolean NOT NULL, -- Microsoft named it
    day date NOT NULL,
    seconds integer,
    person_no integer,
    sip_code integer,
    stage_no integer,
    call_type_no integer,
    country_no integer,
    destination_no integer,
    currency_no integer,
    trunk_no integer,
    caller_number text,
    callee_number text,
    source "char" NOT NULL, -- p PSTN, d Direct Routing
    direction "char" NOT NULL,
    disposition "char" NOT NULL,
    UNIQUE (id, tenant_id, source)
);

-- Days whose figures are to be made anew. It is only appended to, and has no
-- key, so that no writer waits for whoever works it off.
CREATE TABLE IF NOT EXISTS callhook_store.report_dirty_days (
    tenant_id uuid NOT NULL,
    day date NOT NULL
);
CREATE TABLE IF NOT EXISTS callhook_store.report_dirty_months (
    tenant_id uuid NOT NULL,
    month date NOT NULL
);

-- frozen_before: figures of earlier days stay as they are, for their facts
-- have gone or are going. unfilled_from: records stored before there were
-- facts get them in the order of their keys; null: all have them.
CREATE TABLE IF NOT EXISTS callhook_store.report_state (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    frozen_before date NOT NULL DEFAULT '-infinity',
    unfilled_from uuid
);
INSERT INTO callhook_store.report_state (unfilled_from)
SELECT CASE WHEN EXISTS (SELECT FROM callhook_store.call_records)
              OR EXISTS (SELECT FROM callhook_store.pstn_calls)
              OR EXISTS (SELECT FROM callhook_store.direct_routing_calls)
            THEN '00000000-0000-0000-0000-000000000000'::uuid END
WHERE NOT EXISTS (SELECT FROM callhook_store.report_state);

DO $$
BEGIN
    IF to_regclass('callhook_store.report_people_id') IS NULL THEN
        CREATE INDEX report_people_id ON callhook_store.report_people (id);
        CREATE INDEX report_calls_day
            ON callhook_store.report_calls (day, tenant_id);
        CREATE INDEX report_calls_queue
            ON callhook_store.report_calls (queue_no, day)
            WHERE queue_no IS NOT NULL;
        CREATE INDEX report_legs_call ON callhook_store.report_legs (call_id);
        CREATE INDEX report_legs_person
            ON callhook_store.report_legs (person_no, started_at);
        CREATE INDEX report_legs_day ON callhook_store.report_legs
            USING brin (day) WITH (pages_per_range = 16, autosummarize = on);
        CREATE INDEX report_legs_rating
            ON callhook_store.report_legs (day, rating_no, audio)
            WHERE rating_no IS NOT NULL;
        CREATE INDEX report_streams_call
            ON callhook_store.report_streams (call_id);
        CREATE INDEX report_streams_day ON callhook_store.report_streams
            USING brin (day) WITH (pages_per_range = 16, autosummarize = on);
        CREATE INDEX report_phones_day
            ON callhook_store.report_phones (day, tenant_id);
        CREATE INDEX report_phones_call
            ON callhook_store.report_phones (call_id)
            WHERE call_id IS NOT NULL;
        CREATE INDEX report_phones_correlation
            ON callhook_store.report_phones (correlation_id)
            WHERE correlation_id IS NOT NULL;
        CREATE INDEX report_phones_started
            ON callhook_store.report_phones (started_at);
        CREATE INDEX report_phones_person
            ON callhook_store.report_phones (person_no, started_at);
    END IF;
    IF to_regclass('callhook_store.report_phones_alone') IS NULL THEN
        CREATE INDEX report_phones_alone
            ON callhook_store.report_phones (day) WHERE call_id IS NULL;
    END IF;
    -- When somebody next talked with a number, as cdr looks for it; an index
    -- holds no text of any length.
    IF to_regclass('callhook_store.report_phones_returned') IS NULL THEN
        CREATE INDEX report_phones_returned
            ON callhook_store.report_phones
               (person_no,
                left(CASE direction WHEN 'o' THEN callee_number
                                    ELSE caller_number END, 100),
                started_at)
            WHERE num_nulls(call_id) = 1 AND disposition = 'a';
    END IF;
    -- What phone calls cost, without a look at the tables themselves. Columns
    -- of cdr that nobody asks for count as well: the planner drops their joins
    -- and takes their numbers for needed all the same.
    IF to_regclass('callhook_store.report_legs_phoned') IS NULL THEN
        DROP INDEX IF EXISTS callhook_store.report_legs_phone,
                             callhook_store.report_phones_charge;
        CREATE INDEX report_legs_phoned
            ON callhook_store.report_legs (phone_no)
            INCLUDE (day, started_at, ended_at, person_no, person_kind_no,
                     peer_no, peer_kind_no, stage_no, reason_no, platform_no,
                     version_no, subnet_no, queue_no, rating_no, kind, is_test)
            WHERE phone_no IS NOT NULL;
        CREATE INDEX report_phones_charged
            ON callhook_store.report_phones (phone_no)
            INCLUDE (charge, currency_no, trunk_no) WHERE charge IS NOT NULL;
    END IF;
    -- Who missed calls; the conditions as cdr has them, or it is of no use.
    IF to_regclass('callhook_store.report_legs_missed') IS NULL THEN
        CREATE INDEX report_legs_missed ON callhook_store.report_legs (day)
            WHERE CASE direction WHEN 'o' THEN 'out' WHEN 'i' THEN 'in'
                                 ELSE 'meeting' END = 'in'
              AND CASE disposition WHEN 'a' THEN 'answered'
                      WHEN 'v' THEN 'voicemail' WHEN 'd' THEN 'declined'
                      WHEN 'm' THEN 'missed' WHEN 'f' THEN 'failed'
                      ELSE 'unknown' END = 'missed';
    END IF;
    -- Who was in somebody's meetings.
    IF to_regclass('callhook_store.report_legs_organizer') IS NULL THEN
        CREATE INDEX report_legs_organizer
            ON callhook_store.report_legs (coalesce(peer_no, person_no), day)
            WHERE kind = 'm';
    END IF;
    -- Who talked with somebody, and when two of them next did.
    IF to_regclass('callhook_store.report_legs_peer') IS NULL THEN
        DROP INDEX IF EXISTS callhook_store.report_legs_pair;
        CREATE INDEX report_legs_peer
            ON callhook_store.report_legs (peer_no, person_no, started_at);
    END IF;
END
$$;

-- The words that the views have for codes: without these the planner takes
-- each of them for one row in 200. Expressions as in cdr.sql. Months get them
-- by LIKE, those of an older schema here.
DO $do$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT c.oid::regclass AS part, c.relname AS name, p.relname AS parent
        FROM pg_class AS p
        LEFT JOIN pg_inherits ON inhparent = p.oid
        JOIN pg_class AS c ON c.oid IN (p.oid, inhrelid)
        WHERE p.oid IN ('callhook_store.report_legs'::regclass,
                        'callhook_store.report_streams'::regclass)
          AND NOT EXISTS (SELECT FROM pg_statistic_ext
                          WHERE stxrelid = c.oid)
        GROUP BY c.oid, c.relname, p.relname
    LOOP
        EXECUTE 'CREATE STATISTICS callhook_store.' || CASE found.parent
            WHEN 'report_legs' THEN format($$%I ON
                (CASE kind WHEN 'd' THEN 'peer_to_peer' WHEN 'm' THEN 'meeting'
                           ELSE 'phone' END),
                (CASE direction WHEN 'o' THEN 'out' WHEN 'i' THEN 'in'
                                ELSE 'meeting' END),
                (CASE disposition WHEN 'a' THEN 'answered'
                    WHEN 'v' THEN 'voicemail' WHEN 'd' THEN 'declined'
                    WHEN 'm' THEN 'missed' WHEN 'f' THEN 'failed'
                    ELSE 'unknown' END)
                FROM %s$$, found.name || '_words', found.part)
            ELSE format($$%I ON
                (CASE kind WHEN 'd' THEN 'peer_to_peer' WHEN 'm' THEN 'meeting'
                           ELSE 'phone' END),
                (CASE verdict WHEN 'p' THEN 'poor' WHEN 'g' THEN 'good'
                              ELSE 'unclassified' END),
                (CASE media WHEN 'a' THEN 'audio' WHEN 'v' THEN 'video'
                            WHEN 's' THEN 'screen_sharing' ELSE label END)
                FROM %s$$, found.name || '_words', found.part) END;
    END LOOP;
END
$do$;

-- Partitions of the facts: a month each, made by whoever first needs it. The
-- table is made aside and attached: no reader and no other writer waits. What
-- lies before 2015 or after 2099 has partitions of its own, for a default
-- partition would have to be searched at each attaching.
CREATE OR REPLACE FUNCTION callhook_store.make_report_month(on_day date)
RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    month date := date_trunc('month', on_day);
    name text := to_char(month, 'YYYY_MM');
    bounds text := format('FOR VALUES FROM (%L) TO (%L)', month,
                          (month + interval '1 month')::date);
    parent text;
BEGIN
    IF on_day < '2015-01-01' THEN
        name := 'before_2015';
        bounds := 'FOR VALUES FROM (MINVALUE) TO (''2015-01-01'')';
    ELSIF on_day >= '2100-01-01' THEN
        name := 'from_2100';
        bounds := 'FOR VALUES FROM (''2100-01-01'') TO (MAXVALUE)';
    END IF;
    IF to_regclass('callhook_store.report_streams_' || name) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('callhook report month'));
    -- (to_regclass() remembers that it found none, also behind the lock.)
    IF EXISTS (SELECT FROM pg_class
               WHERE relnamespace = 'callhook_store'::regnamespace
                 AND relname = 'report_streams_' || name) THEN
        RETURN;
    END IF;
    FOREACH parent IN ARRAY ARRAY['report_legs', 'report_streams'] LOOP
        EXECUTE format('CREATE TABLE callhook_store.%I
                        (LIKE callhook_store.%I INCLUDING ALL)',
                       parent || '_' || name, parent);
        -- (ALTER DEFAULT PRIVILEGES may have given it to everybody.)
        EXECUTE format('REVOKE ALL ON callhook_store.%I FROM PUBLIC',
                       parent || '_' || name);
        EXECUTE format('ALTER TABLE callhook_store.%I
                        ATTACH PARTITION callhook_store.%I %s',
                       parent, parent || '_' || name, bounds);
    END LOOP;
END
$$;
COMMENT ON FUNCTION callhook_store.make_report_month(date) IS
    'Makes the partitions of the facts that a day needs.';

CREATE OR REPLACE FUNCTION callhook_store.drop_report_months()
RETURNS integer
LANGUAGE plpgsql
SET lock_timeout = '500ms'
AS $$
DECLARE
    name text;
    kept boolean;
    dropped integer := 0;
BEGIN
    FOR name IN
        SELECT right(c.relname, 7)
        FROM pg_inherits JOIN pg_class AS c ON c.oid = inhrelid
        WHERE inhparent = 'callhook_store.report_streams'::regclass
          AND c.relname ~ '^report_streams_\d{4}_\d\d$'
          AND to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month'
              <= (SELECT frozen_before FROM callhook_store.report_state)
        ORDER BY c.relname
    LOOP
        BEGIN
            -- Nobody may write here before it has gone.
            EXECUTE format('LOCK TABLE callhook_store.report_streams_%1$s,
                            callhook_store.report_legs_%1$s', name);
            EXECUTE format(
                'SELECT EXISTS (SELECT FROM callhook_store.report_streams_%1$s)
                     OR EXISTS (SELECT FROM callhook_store.report_legs_%1$s)',
                name) INTO kept;
            IF NOT kept THEN
                EXECUTE format('DROP TABLE callhook_store.report_streams_%1$s,
                                callhook_store.report_legs_%1$s', name);
                dropped := dropped + 1;
            END IF;
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
            RETURN dropped;
        END;
    END LOOP;
    RETURN dropped;
END
$$;
COMMENT ON FUNCTION callhook_store.drop_report_months() IS
    'Drops months of facts that retention has emptied; how many.';
