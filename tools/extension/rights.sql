/* PostgreSQL takes all rights that objects have within such a script for ones that the extension
   begins with, and a dump leaves those out: what the site granted would be lost in a restore. */
do $rights$
declare
    v_object record;
    v_lost text[] := '{}';
begin
    for v_object in
        select
            i.classoid, i.objoid, i.objsubid,
            array_agg(a.item) filter (where r.oid is null) as ours,
            array_agg(r.oid) filter (where r.oid is not null) as strangers,
            string_agg(format(
                'grant %s%s on %s%s to %I;',
                (select string_agg(x.privilege_type, ', ') from pg_catalog.aclexplode(array[a.item]) as x),
                case when i.objsubid > 0 then format(' (%I)', (
                    select c.attname
                    from pg_catalog.pg_attribute as c
                    where c.attrelid = i.objoid and c.attnum = i.objsubid
                )) end,
                case when o.type = 'table column' then 'table' else o.type end || ' ',
                case when i.objsubid > 0 then i.objoid::regclass::text else o.identity end,
                r.rolname
            ), ' ') filter (where r.oid is not null) as grants
        from pg_catalog.pg_extension as e
        inner join pg_catalog.pg_depend as d
            on d.refclassid = 'pg_catalog.pg_extension'::regclass and d.refobjid = e.oid and d.deptype = 'e'
        inner join pg_catalog.pg_init_privs as i on i.classoid = d.classid and i.objoid = d.objid
        cross join pg_catalog.pg_identify_object(i.classoid, i.objoid, i.objsubid) as o
        cross join unnest(i.initprivs) as a (item)
        left join pg_catalog.pg_roles as r
            on r.oid = (select x.grantee from pg_catalog.aclexplode(array[a.item]) as x limit 1)
            and r.rolname <> all(array[
                'artery_owner', 'artery_reader', 'artery_operator', 'artery_admin', 'artery_runner', 'artery_app'
            ])
        where e.extname = 'pg_artery'
        group by i.classoid, i.objoid, i.objsubid
        having count(r.oid) > 0
    loop
        if current_setting('is_superuser') = 'off' then
            v_lost := v_lost || v_object.grants;
            continue;
        end if;
        update pg_catalog.pg_init_privs as i
        set initprivs = v_object.ours
        where (i.classoid, i.objoid, i.objsubid) = (v_object.classoid, v_object.objoid, v_object.objsubid)
            and v_object.ours is not null;
        delete from pg_catalog.pg_init_privs as i
        where (i.classoid, i.objoid, i.objsubid) = (v_object.classoid, v_object.objoid, v_object.objsubid)
            and v_object.ours is null;
        -- from PostgreSQL 17 on the roles of these rights are known as well
        delete from pg_catalog.pg_shdepend as s
        where s.deptype = 'i' and s.refobjid = any(v_object.strangers)
            and s.dbid = (select b.oid from pg_catalog.pg_database as b where b.datname = current_database())
            and (s.classid, s.objid, s.objsubid) = (v_object.classoid, v_object.objoid, v_object.objsubid);
    end loop;
    if v_lost <> '{}' then
        raise warning using
            message = 'dumps of this database will lack rights that were granted on objects of pg_artery',
            detail = array_to_string(v_lost, ' '),
            hint = 'Run these statements after a restore; or let a superuser update the extension, who can mend it.';
    end if;
end
$rights$;
