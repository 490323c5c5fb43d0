-- into a restore, the rows we begin with come from the dump, as the site has changed them
do $empty$
declare
    v_tables text;
begin
    if current_setting('pg_artery.row_security') = 'off' then
        select string_agg(format('%I.%I', n.nspname, c.relname), ', ')
        into v_tables
        from pg_catalog.pg_extension as e
        cross join unnest(e.extconfig) as t (oid)
        inner join pg_catalog.pg_class as c on c.oid = t.oid and c.relkind in ('r', 'p')
        inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where e.extname = 'pg_artery';
        execute 'truncate ' || v_tables;
    end if;
end
$empty$;
