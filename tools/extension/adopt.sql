-- what artery migrate made becomes the extension's; what else is in our schemas stays its maker's
do $adopt$
declare
    v_schemas constant text[] := '@SCHEMAS@';
    v_relations constant text[] := '@RELATIONS@';
    v_code text[];
    v_statement text;
begin
    select array_agg(l.label)
    into v_code
    from (
        select m from artery_install.code as c cross join unnest(c.managed) as m where c.loaded
        union
        select o from artery_install.migration_file as f cross join unnest(f.code_objects) as o
    ) as l (label);
    for v_statement in
        with named as (
            select c.*
            from pg_catalog.pg_class as c
            inner join unnest(v_relations) as r (name) on c.oid = to_regclass(r.name)
        ), member as (
            select 1 as place, 'pg_namespace'::regclass as class, n.oid
            from pg_catalog.pg_namespace as n
            where n.nspname = any(v_schemas)
            union all
            select 2, 'pg_class'::regclass, n.oid from named as n where n.relkind <> 'c'
            union all
            select 2, 'pg_type'::regclass, n.reltype from named as n where n.relkind = 'c'
            union all
            select 3, 'pg_class'::regclass, s.oid
            from pg_catalog.pg_class as s
            inner join pg_catalog.pg_depend as d on d.classid = 'pg_class'::regclass and d.objid = s.oid
            inner join named as n on n.oid = d.refobjid
            where s.relkind = 'S' and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')
            union all
            select 4, 'pg_class'::regclass, v.oid
            from pg_catalog.pg_class as v
            where v.relkind = 'v' and 'view ' || v.oid::regclass::text = any(v_code)
            union all
            select 5, 'pg_proc'::regclass, p.oid
            from pg_catalog.pg_proc as p
            inner join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
            where n.nspname = any(v_schemas) and case p.prokind
                when 'p' then 'procedure '
                when 'a' then 'aggregate '
                else 'function '
            end || p.oid::regprocedure::text = any(v_code)
        )
        select format('alter extension pg_artery add %s %s', replace(o.type, 'composite ', ''), o.identity)
        from member as m
        cross join pg_catalog.pg_identify_object(m.class, m.oid, 0) as o
        order by m.place, m.oid
    loop
        execute v_statement;
    end loop;
end
$adopt$;
-- and what artery migrate remembers goes: from now on alter extension is the way
drop schema artery_install cascade;
