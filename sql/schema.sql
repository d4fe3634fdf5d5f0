-- The two schemas, and the version of what is in them. Programs write to the
-- tables of callhook_store; people and reporting tools read the views of
-- callhook, which later versions extend at the end and never rename.
CREATE SCHEMA IF NOT EXISTS callhook_store;
-- The release stands in the comment: whoever asks may read it.
COMMENT ON SCHEMA callhook_store IS
    'callhook 0.1.0: tables of its programs. Read the views of schema callhook.';
CREATE SCHEMA IF NOT EXISTS callhook;
COMMENT ON SCHEMA callhook IS
    'Microsoft Teams calls as Microsoft Graph told them: stable views.';

-- A program refuses a newer major version.
CREATE TABLE IF NOT EXISTS callhook_store.version (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    major integer NOT NULL,
    minor integer NOT NULL,
    installed_at timestamptz NOT NULL DEFAULT now()
);
DO $$
BEGIN
    IF EXISTS (SELECT FROM callhook_store.version
               WHERE (major, minor) > (1, 0)) THEN
        RAISE EXCEPTION 'the database has a newer schema than this one';
    END IF;
END
$$;
INSERT INTO callhook_store.version (major, minor) VALUES (1, 0)
ON CONFLICT (one) DO UPDATE
    SET major = excluded.major, minor = excluded.minor, installed_at = now()
    WHERE (version.major, version.minor)
          IS DISTINCT FROM (excluded.major, excluded.minor);

-- What the programs may do beyond reading and writing rows is in functions,
-- each beside its tables. They run as the owner of the schema and pin their
-- search_path; pg_temp stands last in it, for it would come first, unsaid,
-- and lend its types to whoever calls.
CREATE OR REPLACE FUNCTION callhook_store.schema_major()
RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT major FROM callhook_store.version;
$$;
COMMENT ON FUNCTION callhook_store.schema_major() IS
    'The major version of this schema; a program refuses a newer one.';
