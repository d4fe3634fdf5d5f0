-- A session has whatever settings its role, its database or its pooler gave it.
-- Each function that a program calls (it runs as the owner) pins those that
-- could change what it does, for itself and for what it calls.
DO $$
DECLARE
    statement text;
BEGIN
    FOR statement IN
        SELECT format('ALTER FUNCTION %s %s', f.oid::regprocedure,
                      string_agg(format('SET %s = %L', s.name, s.value), ' '
                                 ORDER BY s.name))
        FROM pg_proc AS f
        CROSS JOIN (VALUES
            ('standard_conforming_strings', 'on'),
            ('datestyle', 'ISO, MDY'),
            ('intervalstyle', 'postgres'),
            ('timezone', 'UTC'),
            ('array_nulls', 'on'),
            ('bytea_output', 'hex'),
            ('extra_float_digits', '1'),
            ('quote_all_identifiers', 'off'),
            ('transform_null_equals', 'off'),
            ('default_tablespace', '')) AS s (name, value)
        WHERE f.prosecdef AND f.prokind = 'f'
          AND f.pronamespace IN ('callhook_store'::regnamespace,
                                 'callhook'::regnamespace)
          AND NOT EXISTS (SELECT FROM unnest(f.proconfig) AS c
                          WHERE split_part(lower(c), '=', 1) = s.name)
        GROUP BY f.oid
    LOOP
        EXECUTE statement;
    END LOOP;
END
$$;
