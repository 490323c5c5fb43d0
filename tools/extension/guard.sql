do $guard$
begin
    if exists (select from pg_catalog.pg_namespace as n where n.nspname = 'artery_install') then
        raise exception using
            errcode = 'IN913',
            message = 'pg_artery was installed in this database by artery migrate',
            detail = 'Migrations and CREATE EXTENSION are two ways to install the same objects.',
            hint = 'Leave it so: artery migrate brings it up to date. Or make it an extension for good: '
                'create extension pg_artery version ''unpackaged'', then alter extension pg_artery update.';
    end if;
    if current_setting('pg_artery.row_security') = 'off' and current_setting('session_replication_role') <> 'replica' then
        raise exception using
            errcode = 'IN914',
            message = 'this looks like a restore, and triggers would fire in it',
            detail = 'Rows that come back would be taken for new ones: tasks enqueued again, documents refused.',
            hint = 'Set PGOPTIONS=''-c session_replication_role=replica'' and restore again into an empty database.';
    end if;
end
$guard$;
