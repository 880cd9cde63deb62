-- The database and its owner as they must be; prints "changed" when something was (with apply=false: would be)
-- changed.  The owner's verifier comes by the environment, because arguments and input may be logged.
\getenv verifier HIS_VERIFIER

DO $$ BEGIN
    IF current_setting('data_checksums') <> 'on' THEN
        RAISE 'the cluster at % has no data checksums', current_setting('data_directory')
            USING HINT = 'next: stop it, run pg_checksums --enable on its data directory, start it';
    ELSIF EXISTS (SELECT FROM pg_hba_file_rules WHERE error IS NOT NULL) THEN
        RAISE 'pg_hba.conf has a line that PostgreSQL refuses: %',
            (SELECT string_agg(line_number || ': ' || error, '; ') FROM pg_hba_file_rules WHERE error IS NOT NULL);
    END IF;
END $$;

-- pg_stat_file() knows whole seconds only: a change right after a start would never be loaded.
SELECT current_setting('hba_file') AS hba_file \gset
\setenv HBA_FILE :hba_file
\set written `stat --format=%.Y -- "$HBA_FILE"`

SELECT NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'owner') AS no_role,
       NOT EXISTS (SELECT FROM pg_database WHERE datname = :'owner') AS no_database,
       NOT EXISTS (SELECT FROM pg_authid WHERE rolname = :'owner' AND rolpassword = :'verifier') AS other_password,
       pg_conf_load_time() < to_timestamp(:written) AS old_rules
\gset
SELECT :'no_role' OR :'no_database' OR :'other_password' OR :'old_rules' AS differs \gset

\if :apply
  \if :no_role
    CREATE ROLE :"owner" LOGIN;
  \endif
  \if :other_password
    ALTER ROLE :"owner" PASSWORD :'verifier';
  \endif
  \if :no_database
    CREATE DATABASE :"owner" OWNER :"owner" ENCODING 'UTF8' TEMPLATE template0;
    REVOKE CONNECT, TEMPORARY ON DATABASE :"owner" FROM PUBLIC;
  \endif
  \if :old_rules
    SELECT pg_reload_conf() \g /dev/null
  \endif
\endif
\if :differs
  \echo changed
\endif
