-- What stands in the catalog, in the rows of the view and in our own tables; nothing is tried
create or replace function artery_monitor._adoption_problems()
returns table (part text, object text, severity text, problem text, remedy text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
select
    a.part,
    a.object,
    p.severity,
    p.problem,
    p.remedy
from (
    select
        c.part,
        c.kind,
        o.object,
        f.id
    from (select distinct x.part, x.kind from artery_erp.adoption_contract() as x) as c
    left join artery_erp.adoption as o on o.part = c.part
    left join lateral artery_erp._find_adopted(c.kind, o.object) as f on true
) as a
cross join lateral (
    select
        'missing' as severity,
        case when a.object is null then 'nothing is adopted for it: artery_erp''s own tables serve'
            else format('there is no %s %s any more', a.kind, a.object) end as problem,
        format('`artery adopt --print` writes one to fill in; then: artery adopt %s=SCHEMA.NAME', a.part) as remedy
    where a.id is null
    union all
    select v.*
    from artery_monitor._adopted_view_problems(a.id::regclass) as v
    where a.kind = 'view' and a.id is not null
    union all
    select f.*
    from artery_monitor._adopted_function_problems(a.id::regprocedure) as f
    where a.kind = 'function' and a.id is not null
) as p
union all
select
    'production_order',
    o.object,
    p.severity,
    p.problem,
    p.remedy
from (values
    (
        not exists (
            select
            from pg_trigger as t
            where t.tgfoid = 'artery_staging.erp_order_changed'::regproc and t.tgenabled <> 'D'
        ),
        'missing', 'no table is bound: nobody would hear of a change of an order',
        'select artery_staging.bind_orders(''<table of orders>'', ''new.<its number>'');'
    ),
    (
        not exists (select from artery.route as r where r.topic = 'mes.mo.create'),
        'missing', 'no MES is set up', 'select artery_mes.setup_mes(''https://mes.example/api/v1'');'
    ),
    (
        exists (
            select
            from artery_erp.manufacturing_order as mo
            where mo.status in ('released', 'in_progress', 'held')
        ),
        'wrong', 'artery_erp.manufacturing_order has open orders: two ERPs would share one MES',
        'Complete or cancel them, or artery_erp.unadopt(''production_order'').'
    )
) as p (holds, severity, problem, remedy)
cross join artery_erp.adoption as o
where p.holds and o.part = 'production_order'
order by 1, 3 desc, 4
$function$;
comment on function artery_monitor._adoption_problems() is
'All that the adopted views and functions lack, by what they are and hold';
revoke execute on function artery_monitor._adoption_problems() from public;

create or replace function artery_monitor.check_adoption()
returns table (part text, object text, severity text, problem text, remedy text)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_whole boolean := artery_erp.adopted('production_order') is not null;
begin
    for part, object, severity, problem, remedy in
        select p.*
        from artery_monitor._adoption_problems() as p
    loop
        v_whole := v_whole and (severity = 'advice' or object is null);
        return next;
    end loop;
    if v_whole then
        return query
        select
            t.part,
            artery_erp.adopted(t.part),
            t.severity,
            t.problem,
            t.remedy
        from artery_monitor._try_adoption() as t;
    end if;
end
$function$;
comment on function artery_monitor.check_adoption() is
'All that the adopted ERP lacks, with what to write: missing and wrong keep it from working, advice does not. Reads each '
'row of the view; where nothing is wrong, tries an order and a report from end to end and undoes that';
revoke execute on function artery_monitor.check_adoption() from public;
grant execute on function artery_monitor.check_adoption() to artery_admin;
