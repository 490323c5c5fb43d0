-- what is adopted is what this version's artery migrate has left, migrations and code
do $migrated$
declare
    v_wanted constant jsonb := $json$@STATE@$json$;
    v_found jsonb := '{}';
    v_code text;
    v_faults text;
begin
    if pg_catalog.to_regclass('artery_install.code') is not null then
        select jsonb_object_agg(m.migration_id, f.checksum)
        into v_found
        from artery_install._yoyo_migration as m
        left join artery_install.migration_file as f on f.migration_id = m.migration_id;
        select c.checksum
        into v_code
        from artery_install.code as c
        where c.loaded;
    end if;
    select string_agg(coalesce(w.key || case
        when f.key is null then ' is pending'
        else ' was edited'
    end, f.key || ' is not known'), '; ' order by coalesce(w.key, f.key))
    into v_faults
    from jsonb_each(v_wanted) as w
    full join jsonb_each(v_found) as f on f.key = w.key
    where w.value is distinct from f.value;
    if v_found = '{}' then
        raise exception using
            errcode = 'IN912',
            message = 'this database has no pg_artery that artery migrate installed',
            detail = 'Version unpackaged adopts what is there; there is nothing to adopt.',
            hint = 'Here: create extension pg_artery, without a version.';
    elsif v_faults is not null or v_code is distinct from '@CODE@' then
        raise exception using
            errcode = 'IN912',
            message = 'artery migrate has left another version of pg_artery here than @VERSION@',
            detail = coalesce('Migrations: ' || v_faults || '.', 'The functions and views are those of another version.'),
            hint = 'Bring it up to date with artery migrate of version @VERSION@ first, then adopt it.';
    end if;
end
$migrated$;
