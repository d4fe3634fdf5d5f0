-- Installs callhook's schema, or upgrades it:  psql -f install.sql
-- One transaction; as often as one likes. Settings of psql that matter are
-- made here, so that an error ends it with an exit status.
\set ON_ERROR_STOP on
\set QUIET on
\set ECHO none
\timing off
BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE, NOT DEFERRABLE;
SET LOCAL standard_conforming_strings = on;
SET LOCAL client_encoding = 'UTF8';
SET LOCAL client_min_messages = warning;
SET LOCAL search_path = pg_catalog;
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0;
SET LOCAL datestyle = 'ISO';
SET LOCAL intervalstyle = 'postgres';
SET LOCAL timezone = 'UTC';
SET LOCAL array_nulls = on;
SET LOCAL transform_null_equals = off;
SET LOCAL quote_all_identifiers = off;
SET LOCAL plpgsql.extra_errors = 'none';
SET LOCAL plpgsql.extra_warnings = 'none';
DO $$ BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('callhook install'));
END $$;

\ir requirements.sql
\ir roles.sql
\ir schema.sql
\ir notifications.sql
\ir subscriptions.sql
\ir gaps.sql
\ir receivers.sql
\ir clock.sql
\ir durability.sql
\ir records/conversions.sql
\ir records/tables.sql
\ir records/members.sql
\ir records/parts.sql
\ir records/views.sql
\ir records/pages.sql
\ir hours.sql
\ir calls.sql
\ir hours_upgrade.sql
\ir silence.sql
\ir records/reading.sql
\ir privacy.sql
\ir throttling.sql
\ir completeness.sql
\ir logs.sql
\ir retention.sql
\ir reports/facts_tables.sql
\ir reports/reference.sql
\ir reports/rules.sql
\ir reports/facts.sql
\ir reports/phones.sql
\ir records/large.sql
\ir reports/day_tables.sql
\ir reports/cdr.sql
\ir reports/figures.sql
\ir reports/collector.sql
\ir reports/comments.sql
\ir reports/tenant_schema.sql
\ir reports/upkeep.sql
\ir consumers/tables.sql
\ir consumers/sight.sql
\ir consumers/find.sql
\ir consumers/batches.sql
\ir consumers/events.sql
\ir consumers/notify.sql
\ir consumers/api.sql
\ir consumers/views.sql
\ir status.sql
\ir status_charts.sql
\ir grants.sql
\ir pins.sql

DO $$ BEGIN PERFORM callhook_store.make_partitions(); END $$;
COMMIT;
\echo callhook is installed.
