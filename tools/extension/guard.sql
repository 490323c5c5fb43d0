do $guard$
declare
    v_there text;
begin
    if exists (select from pg_catalog.pg_namespace as n where n.nspname = 'artery_install') then
        raise exception using
            errcode = 'IN913',
            message = 'pg_artery was installed in this database by artery migrate',
            detail = 'Migrations and CREATE EXTENSION are two ways to install the same objects.',
            hint = 'Leave it so: artery migrate brings it up to date. Or make it an extension for good: '
                'create extension pg_artery version ''unpackaged'', then alter extension pg_artery update.';
    end if;
    select string_agg(format('%I of %I', n.nspname, pg_get_userbyid(n.nspowner)), ', ' order by n.nspname)
    into v_there
    from pg_catalog.pg_namespace as n
    where n.nspname = any('@SCHEMAS@'::text[]);
    if v_there is not null then
        raise exception using
            errcode = 'duplicate_schema',
            message = 'this database has schemas with the names of pg_artery''s already',
            detail = 'There: ' || v_there || '.',
            hint = 'Nothing that was made by others is taken over. Look who made them, and drop or rename them.';
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
