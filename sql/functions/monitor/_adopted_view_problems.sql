/* Three looks: at the columns, at the right to read, at the rows. A row is judged by what the MES
   part refuses it for, a column that is not there only once. */
create or replace function artery_monitor._adopted_view_problems(p_view regclass)
returns table (severity text, problem text, remedy text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_schema constant regnamespace := (
        select c.relnamespace::regnamespace from pg_class as c where c.oid = p_view
    );
begin
    -- @plpgsql_check_options: security_warnings = off
    -- p_view is a regclass
    return query
    select
        case when t.oid is not null then 'wrong' when c.required then 'missing' else 'advice' end,
        case
            when t.oid is null then format('column %s (%s): %s', c.name, c.type, c.meaning)
            else format('column %s is %s, and has to be %s', c.name, format_type(t.oid, null), c.type)
        end,
        case
            when t.oid is null and c.required then format('Add it to the view: … as %s', c.name)
            when t.oid is null then format('Without it the MES is not told. Add it if the ERP knows: … as %s', c.name)
            when c.type = 'timestamptz'
                then format('Say which clock it is on: %s at time zone ''Europe/Berlin''', c.name)
            when c.type = 'numeric' then format('Binary floats are not exact: %s::numeric', c.name)
            else format('Cast it: %s::%s', c.name, c.type)
        end
    from artery_erp.adoption_contract() as c
    left join pg_attribute as a on a.attrelid = p_view and a.attname = c.name and not a.attisdropped
    left join pg_type as t on t.oid = a.atttypid
    where
        c.part = 'production_order'
        and case c.type
            when 'text' then t.typcategory = 'S'
            when 'numeric' then t.typname in ('numeric', 'int2', 'int4', 'int8')
            when 'integer' then t.typname in ('int2', 'int4', 'int8')
            when 'jsonb' then t.typname in ('json', 'jsonb')
            else t.typname = c.type
        end is not true
    order by c.place;

    if not (has_schema_privilege(v_schema, 'usage') and has_table_privilege(p_view, 'select')) then
        return query
        select
            'missing',
            format('artery_owner may not read %s', p_view),
            format(
                'grant usage on schema %s to artery_owner; grant select on %s to artery_owner;',
                v_schema, p_view
            );
        return;
    end if;
    begin
        return query execute format(
            $sql$
            with seen as materialized (
                select to_jsonb(o) as row
                from %s as o
            )

            select
                'wrong',
                format('%%s orders, such as %%s: %%s', count(*), min(s.row ->> 'mo_no'), r.reason ->> 'message'),
                'Mend what the view gives for ' || ltrim(r.reason ->> 'path', '/') || '.'
            from seen as s
            cross join lateral jsonb_array_elements(artery_mes._adopted_problems(s.row)) as r (reason)
            where s.row ? ltrim(r.reason ->> 'path', '/')
            group by r.reason ->> 'message', r.reason ->> 'path'
            union all
            select
                'wrong',
                format('%%s orders have the number %%s', count(*), s.row ->> 'mo_no'),
                'The MES and its reports name an order by its number: one row for each.'
            from seen as s
            where s.row ->> 'mo_no' is not null
            group by s.row ->> 'mo_no'
            having count(*) > 1
            order by 2
            limit 20
            $sql$,
            p_view
        );
    exception when others then
        return query select 'wrong', format('reading the view fails: %s', sqlerrm), 'Mend the view.';
    end;
end
$function$;
comment on function artery_monitor._adopted_view_problems(regclass) is
'What a view lacks as the production_order of an adopted ERP: columns, types, rights, and what its rows hold';
revoke execute on function artery_monitor._adopted_view_problems(regclass) from public;
