-- From Graph's JSON to columns. None of these functions fails, whatever it is
-- given: what does not fit is null, and the caller keeps the member as it
-- came. Single expressions, so that PostgreSQL puts them in line.

-- Graph's JSON as jsonb. That type refuses U+0000 and halves of a surrogate
-- pair: they become U+FFFD here, and stay as they came in the raw page. So does
-- a number of more digits than it has room for, which becomes a text. (Escapes
-- and texts are matched from the first on: a backslash may be escaped itself.)
CREATE OR REPLACE FUNCTION callhook_store.parsed(body json)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
    RETURN body::jsonb;
EXCEPTION WHEN data_exception THEN
    RETURN (
        SELECT string_agg(CASE
                   WHEN t[1] ~ '^\\u(0000|[dD][89abAB]..|[dD][c-fC-F]..)$'
                       THEN E'\uFFFD'
                   ELSE t[1] END, '' ORDER BY n)
        FROM regexp_matches(
                 (SELECT string_agg(CASE
                             WHEN t[1] ~ '^-?[0-9].*[eE][+-]?[0-9]{4}'
                               OR t[1] ~ '^-?[0-9]' AND length(t[1]) > 15000
                                 THEN to_json(t[1])::text
                             ELSE t[1] END, '' ORDER BY n)
                  FROM regexp_matches(body::text,
                           '("([^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|[^"0-9-]+)',
                           'g') WITH ORDINALITY AS tokens (t, n)),
                 '(\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u....|\\.|[^\\]+)',
                 'g') WITH ORDINALITY AS tokens (t, n))::jsonb;
END
$$;
COMMENT ON FUNCTION callhook_store.parsed(json) IS
    'JSON as jsonb; what that type refuses in strings is replaced.';

-- What stands between two numbers in the order of jsonb is a number.
CREATE OR REPLACE FUNCTION callhook_store.as_numeric(value jsonb)
RETURNS numeric
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE WHEN value >= '-1e100' AND value <= '1e100'
                THEN value::numeric END;
$$;
COMMENT ON FUNCTION callhook_store.as_numeric(jsonb) IS
    'A number; null where sums of it might overflow.';

CREATE OR REPLACE FUNCTION callhook_store.as_integer(value jsonb)
RETURNS integer
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE WHEN value >= '-2147483648' AND value <= '2147483647' THEN
        CASE WHEN value::numeric = trunc(value::numeric)
        THEN value::integer END END;
$$;
COMMENT ON FUNCTION callhook_store.as_integer(jsonb) IS
    'A whole number of 32 bits.';

CREATE OR REPLACE FUNCTION callhook_store.as_bigint(value jsonb)
RETURNS bigint
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE WHEN value >= '-9223372036854775808'
                 AND value <= '9223372036854775807' THEN
        CASE WHEN value::numeric = trunc(value::numeric)
        THEN value::bigint END END;
$$;
COMMENT ON FUNCTION callhook_store.as_bigint(jsonb) IS
    'A whole number of 64 bits.';

CREATE OR REPLACE FUNCTION callhook_store.as_double(value jsonb)
RETURNS double precision
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE
        WHEN value >= '1e-300' AND value <= '1e300'
            THEN value::double precision
        WHEN value = '0' THEN 0
        WHEN value >= '-1e300' AND value <= '-1e-300'
            THEN value::double precision END;
$$;
COMMENT ON FUNCTION callhook_store.as_double(jsonb) IS
    'A number as a double; null where it would overflow.';

CREATE OR REPLACE FUNCTION callhook_store.as_boolean(value jsonb)
RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE WHEN jsonb_typeof(value) = 'boolean' THEN value::boolean END;
$$;
COMMENT ON FUNCTION callhook_store.as_boolean(jsonb) IS 'true or false.';

CREATE OR REPLACE FUNCTION callhook_store.as_uuid(value text)
RETURNS uuid
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE WHEN value ~ '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}'
                             '-[0-9A-Fa-f]{12}$' THEN value::uuid END;
$$;
COMMENT ON FUNCTION callhook_store.as_uuid(text) IS 'A GUID.';

-- Regular expressions take longer than all else here, so the usual forms of
-- times and durations are known without one.
DO $do$
BEGIN
    EXECUTE format($create$
CREATE OR REPLACE FUNCTION callhook_store.is_usual_time(value text)
RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $$
    SELECT value LIKE '20__-__-__T__:__:__%%Z'
       AND substr(value, 3, 2) = ANY (%1$L::text[])
       AND substr(value, 6, 2) = ANY (%2$L::text[])
       AND substr(value, 9, 2) = ANY (%3$L::text[])
       AND substr(value, 12, 2) = ANY (%4$L::text[])
       AND substr(value, 15, 2) = ANY (%5$L::text[])
       AND substr(value, 18, 2) = ANY (%5$L::text[])
       AND (length(value) = 20
            OR substr(value, 20, 1) = '.' AND length(value) BETWEEN 22 AND 40
               AND ltrim(substr(value, 21), '0123456789') = 'Z')
$$ $create$,
        (SELECT array_agg(to_char(n, 'FM00')) FROM generate_series(0, 99) n),
        (SELECT array_agg(to_char(n, 'FM00')) FROM generate_series(1, 12) n),
        (SELECT array_agg(to_char(n, 'FM00')) FROM generate_series(1, 28) n),
        (SELECT array_agg(to_char(n, 'FM00')) FROM generate_series(0, 23) n),
        (SELECT array_agg(to_char(n, 'FM00')) FROM generate_series(0, 59) n));
END
$do$;
COMMENT ON FUNCTION callhook_store.is_usual_time(text) IS
    'Whether a text is a time of UTC in this century, to the second at least, '
    'and before the 29th.';

-- The cast would raise for 30 February: such days are counted from the first
-- of the month, and must not lie in another. Rounding to microseconds must
-- not leave the year 9999, nor an offset. The year 1 means "never". A second
-- of 60 is the next minute's first, counted from second 59: as the last one of
-- a day it would raise with a fraction.
CREATE OR REPLACE FUNCTION callhook_store.as_time(value text)
RETURNS timestamptz
LANGUAGE sql STABLE
AS $$
    SELECT CASE WHEN callhook_store.is_usual_time(value)
        THEN value::timestamptz
        WHEN value ~ ('^[0-9]{4}-(0[1-9]|1[0-2])'
                              '-(0[1-9]|[12][0-9]|3[01])'
                              '[Tt]([01][0-9]|2[0-3]):[0-5][0-9]'
                              '(:([0-5][0-9]|60)([.][0-9]{1,20})?)?'
                              '([Zz]|[+-](0[0-9]|1[0-5]):[0-5][0-9])$')
                 AND left(value, 4) NOT IN ('0000', '0001')
                 AND (right(value, 1) IN ('Z', 'z')
                      OR left(value, 10) <> '9999-12-31') THEN
        CASE WHEN substr(value, 9, 2) <= '28'
               OR extract(month FROM (left(value, 8) || '01')::date
                                     + (substr(value, 9, 2)::integer - 1))
                  = substr(value, 6, 2)::integer
        THEN least(CASE WHEN substr(value, 18, 2) = '60'
                        THEN overlay(value PLACING '59' FROM 18)::timestamptz
                             + interval '1 second'
                        ELSE value::timestamptz END,
                   '9999-12-31 23:59:59.999999+00') END END;
$$;
COMMENT ON FUNCTION callhook_store.as_time(text) IS
    'A time of ISO 8601, with its offset and to the microsecond.';

-- Years and months have no length of their own, and are not taken.
CREATE OR REPLACE FUNCTION callhook_store.as_ms(value text)
RETURNS double precision
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE
        WHEN value LIKE 'PT_._%S' AND length(value) < 24
             AND substr(value, 3, 1) = ANY ('{0,1,2,3,4,5,6,7,8,9}')
             AND ltrim(substr(value, 5), '0123456789') = 'S'
          OR value ~ '^PT[0-9]{1,9}([.][0-9]{1,20})?S$' THEN
            (substr(value, 3, length(value) - 3)::numeric * 1000)::float8
        WHEN value ~ ('^-?P(?=.)([0-9]{1,9}D)?'
                      '(T(?=.)([0-9]{1,9}H)?([0-9]{1,9}M)?'
                      '([0-9]{1,9}([.][0-9]{1,20})?S)?)?$') THEN
            (coalesce(substring(value, '([0-9]+)D')::numeric * 86400000, 0)
             + coalesce(substring(value, '([0-9]+)H')::numeric * 3600000, 0)
             + coalesce(substring(value, '([0-9]+)M')::numeric * 60000, 0)
             + coalesce(substring(value, '([0-9.]+)S')::numeric * 1000, 0)
            )::float8 * CASE WHEN left(value, 1) = '-' THEN -1 ELSE 1 END
        END;
$$;
COMMENT ON FUNCTION callhook_store.as_ms(text) IS
    'A duration of ISO 8601 in milliseconds.';

-- What the columns do not show of an object: unknown members, members whose
-- value did not fit (given as rest), and a value that is no object at all.
CREATE OR REPLACE FUNCTION callhook_store.leftover(
    object jsonb, known text[], rest jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE jsonb_typeof(object)
        WHEN 'object' THEN
            nullif(jsonb_strip_nulls((object - known) || rest), '{}')
        WHEN 'null' THEN NULL
        ELSE object END;
$$;
COMMENT ON FUNCTION callhook_store.leftover(jsonb, text[], jsonb) IS
    'The members of an object that no column shows.';

-- Who an identity or a set of identities speaks of. person: an identity that
-- stands alone, and wins. rest: what the other columns do not show.
CREATE OR REPLACE FUNCTION callhook_store.who(
    person jsonb, identities jsonb, OUT kind text, OUT id text, OUT name text,
    OUT tenant_id text, OUT user_principal_name text, OUT endpoint_type text,
    OUT rest jsonb)
LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
    shown text[] := '{@odata.type,id,displayName,tenantId,
                      userPrincipalName}';
    alone constant boolean := coalesce(jsonb_typeof(person) = 'object', false);
    own jsonb;
BEGIN
    rest := '{}';
    IF jsonb_typeof(identities) = 'object' THEN
        rest := jsonb_strip_nulls(identities) - '@odata.type'::text;
        endpoint_type := rest ->> 'endpointType';
        rest := rest - 'endpointType'::text;
        kind := CASE 'object'
            WHEN jsonb_typeof(rest -> 'user') THEN 'user'
            WHEN jsonb_typeof(rest -> 'guest') THEN 'guest'
            WHEN jsonb_typeof(rest -> 'phone') THEN 'phone'
            WHEN jsonb_typeof(rest -> 'acsUser') THEN 'acsUser'
            WHEN jsonb_typeof(rest -> 'azureCommunicationServicesUser')
                THEN 'azureCommunicationServicesUser'
            WHEN jsonb_typeof(rest -> 'applicationInstance')
                THEN 'applicationInstance'
            WHEN jsonb_typeof(rest -> 'application') THEN 'application' END;
        IF kind IS NULL AND rest <> '{}' THEN
            SELECT key INTO kind FROM jsonb_each(rest)
            WHERE jsonb_typeof(value) = 'object' ORDER BY key LIMIT 1;
        END IF;
    ELSIF identities <> 'null' THEN
        rest := jsonb_build_object('identity', identities);
    END IF;
    IF alone AND person @> (rest -> kind) THEN
        rest := rest - kind;
    ELSIF NOT alone AND kind IS NOT NULL THEN
        own := nullif(person, 'null');
        person := rest -> kind;
        rest := rest - kind;
    END IF;
    IF jsonb_typeof(person) = 'object' THEN
        IF octet_length(person ->> 'id') > 2000 THEN -- an index holds no more
            shown := array_remove(shown, 'id');
        ELSE
            id := person ->> 'id';
        END IF;
        name := person ->> 'displayName';
        tenant_id := person ->> 'tenantId';
        user_principal_name := person ->> 'userPrincipalName';
        kind := coalesce(kind, substring(person ->> '@odata.type'
                                         FROM '([A-Za-z0-9_]+)Identity$'));
        person := nullif(jsonb_strip_nulls(person - shown), '{}');
        IF alone THEN
            own := person;
        ELSE
            rest := rest || jsonb_strip_nulls(jsonb_build_object(kind, person));
        END IF;
    ELSE
        own := nullif(person, 'null');
    END IF;
    rest := nullif(rest || jsonb_strip_nulls(
        jsonb_build_object('associatedIdentity', own)), '{}');
END
$$;
COMMENT ON FUNCTION callhook_store.who(jsonb, jsonb) IS
    'Who an identity or a set of identities speaks of.';
