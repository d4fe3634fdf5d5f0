-- Installs callhook's schema, or upgrades it:  psql -f install.sql
-- One transaction; as often as one likes. Settings of psql that matter are
-- made here, so that an error ends it with an exit status.
\set ON_ERROR_STOP on
\set QUIET on
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL search_path = pg_catalog;
SET LOCAL lock_timeout = '5s';
SELECT pg_advisory_xact_lock(hashtext('callhook install'));

\ir roles.sql
\ir tables.sql
\ir functions.sql
\ir views.sql
\ir calls.sql
\ir conversions.sql
\ir records.sql
\ir record_members.sql
\ir record_parts.sql
\ir record_views.sql
\ir records_functions.sql
\ir forget.sql
\ir listing.sql
\ir call_legs.sql
\ir status.sql
\ir retention.sql
\ir grants.sql
\ir records_grants.sql

SELECT callhook_store.make_partitions();
COMMIT;
\echo callhook is installed.
