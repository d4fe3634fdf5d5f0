-- The roles. None can log in: grant them to those who do.
--   GRANT callhook_receiver TO the_receivers_user;
DO $$
DECLARE
    name text;
    role_comment text;
    may_create boolean := (SELECT rolcreaterole OR rolsuper FROM pg_roles
                           WHERE rolname = current_user);
BEGIN
    FOR name, role_comment IN VALUES
        ('callhook_receiver', 'callhook: stores notifications'),
        ('callhook_renewer', 'callhook: keeps subscriptions'),
        ('callhook_reader', 'callhook: reads the views'),
        ('callhook_figures', 'callhook: reads figures that name nobody'),
        ('callhook_raw', 'callhook: reads records as Graph sent them'),
        ('callhook_consumer', 'callhook: takes what is new, as a consumer')
    LOOP
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            CONTINUE;
        END IF;
        IF may_create THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', name);
                EXECUTE format('COMMENT ON ROLE %I IS %L', name, role_comment);
            EXCEPTION
                -- made just now by an installation in another database
                WHEN unique_violation OR duplicate_object THEN NULL;
            END;
        ELSE
            RAISE WARNING 'role % is not created: % may not create roles. '
                'callhook is installed for % alone.',
                name, current_user, current_user;
        END IF;
    END LOOP;
END
$$;
