-- What a database must be, each told in one sentence.
DO $$
DECLARE
    encoding text;
    theirs text;
    owner name;
BEGIN
    IF current_setting('server_version_num')::integer < 140000 THEN
        RAISE EXCEPTION 'callhook needs PostgreSQL 14 or later, this is %',
            current_setting('server_version');
    END IF;
    SELECT pg_encoding_to_char(d.encoding) INTO encoding
    FROM pg_database AS d WHERE datname = current_database();
    IF encoding <> 'UTF8' THEN
        RAISE EXCEPTION 'callhook needs a database of encoding UTF8, this one '
            'has %: make one with createdb -E UTF8 -T template0', encoding;
    END IF;
    SELECT rolname INTO owner
    FROM pg_namespace JOIN pg_roles ON pg_roles.oid = nspowner
    WHERE nspname IN ('callhook_store', 'callhook')
      AND rolname <> current_user
    LIMIT 1;
    -- Its objects would run with our rights.
    IF FOUND THEN
        RAISE EXCEPTION 'the schema belongs to %: install as that user', owner;
    END IF;
    -- So would whatever somebody else has put there.
    SELECT pg_describe_object(d.classid, d.objid, 0), rolname
    INTO theirs, owner
    FROM pg_namespace AS n
    JOIN pg_depend AS d
        ON d.refclassid = 'pg_namespace'::regclass AND d.refobjid = n.oid
    JOIN pg_shdepend AS s
        ON s.classid = d.classid AND s.objid = d.objid AND s.deptype = 'o'
       AND s.dbid = (SELECT oid FROM pg_database
                     WHERE datname = current_database())
    JOIN pg_roles ON pg_roles.oid = s.refobjid
    WHERE nspname IN ('callhook_store', 'callhook')
      AND rolname <> current_user
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% belongs to %: callhook installs only where all is '
            'its own', theirs, owner;
    END IF;
    SELECT nspname, coalesce(nullif(a.grantee, 0)::regrole::text, 'everybody')
    INTO theirs, owner
    FROM pg_namespace CROSS JOIN LATERAL aclexplode(nspacl) AS a
    WHERE nspname IN ('callhook_store', 'callhook')
      AND a.privilege_type = 'CREATE' AND a.grantee <> nspowner
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% may create objects in schema %: callhook installs '
            'only where nobody else can', owner, theirs;
    END IF;
END
$$;
