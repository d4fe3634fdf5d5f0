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
                               OR t[1] ~ '^-?[0-9]' AND length(t[1]) > 16000
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

CREATE OR REPLACE FUNCTION callhook_store.as_numeric(value jsonb)
RETURNS numeric
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE WHEN jsonb_typeof(value) = 'number' THEN value::numeric END;
$$;
COMMENT ON FUNCTION callhook_store.as_numeric(jsonb) IS 'A number.';

CREATE OR REPLACE FUNCTION callhook_store.as_integer(value jsonb)
RETURNS integer
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE WHEN jsonb_typeof(value) = 'number' THEN
        CASE WHEN value::numeric BETWEEN -2147483648 AND 2147483647
              AND value::numeric = trunc(value::numeric)
        THEN value::integer END END;
$$;
COMMENT ON FUNCTION callhook_store.as_integer(jsonb) IS
    'A whole number of 32 bits.';

CREATE OR REPLACE FUNCTION callhook_store.as_bigint(value jsonb)
RETURNS bigint
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE WHEN jsonb_typeof(value) = 'number' THEN
        CASE WHEN value::numeric BETWEEN -9223372036854775808
                                     AND 9223372036854775807
              AND value::numeric = trunc(value::numeric)
        THEN value::bigint END END;
$$;
COMMENT ON FUNCTION callhook_store.as_bigint(jsonb) IS
    'A whole number of 64 bits.';

CREATE OR REPLACE FUNCTION callhook_store.as_double(value jsonb)
RETURNS double precision
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE WHEN jsonb_typeof(value) = 'number' THEN
        CASE WHEN value::numeric = 0
               OR abs(value::numeric) BETWEEN 1e-300 AND 1e300
        THEN value::double precision END END;
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

-- The cast would raise for 30 February: such days are counted from the first
-- of the month, and must not lie in another. Rounding to microseconds must
-- not leave the year 9999, nor an offset. The year 1 means "never". A second
-- of 60 is the next minute's first.
CREATE OR REPLACE FUNCTION callhook_store.as_time(value text)
RETURNS timestamptz
LANGUAGE sql STABLE
AS $$
    SELECT CASE WHEN value ~ ('^[0-9]{4}-(0[1-9]|1[0-2])'
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
        THEN least(value::timestamptz,
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
        WHEN value ~ '^PT[0-9]{1,9}([.][0-9]{1,20})?S$' THEN
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
    usual constant text[] := '{user,guest,phone,acsUser,
        azureCommunicationServicesUser,applicationInstance,application}';
    alone constant boolean := coalesce(jsonb_typeof(person) = 'object', false);
    own jsonb;
BEGIN
    rest := '{}';
    IF jsonb_typeof(identities) = 'object' THEN
        rest := jsonb_strip_nulls(identities) - '@odata.type'::text;
        endpoint_type := rest ->> 'endpointType';
        rest := rest - 'endpointType'::text;
        SELECT key INTO kind FROM jsonb_each(rest)
        WHERE jsonb_typeof(value) = 'object'
        ORDER BY array_position(usual, key), key LIMIT 1;
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
