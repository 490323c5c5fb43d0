do $tail$
declare
    v_relation regclass;
begin
    perform set_config('role', current_setting('pg_artery.installer'), true);
    perform set_config('row_security', current_setting('pg_artery.row_security'), true);
    -- all that has rows, whatever made it: none can be forgotten
    for v_relation in
        select c.oid
        from pg_catalog.pg_extension as e
        inner join pg_catalog.pg_depend as d
            on d.refclassid = 'pg_catalog.pg_extension'::regclass and d.refobjid = e.oid and d.deptype = 'e'
        inner join pg_catalog.pg_class as c on d.classid = 'pg_catalog.pg_class'::regclass and c.oid = d.objid
        where e.extname = 'pg_artery' and c.relkind in ('r', 'p', 'S')
        order by c.oid
    loop
        perform pg_catalog.pg_extension_config_dump(v_relation, '');
    end loop;
end
$tail$;
