create or replace function artery_mes._count_progress(p_reports artery_mes.production_report[])
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    update artery_erp.manufacturing_order_operation as o
    set
        good = trim_scale(o.good + s.good),
        scrap = trim_scale(o.scrap + s.scrap),
        rework = trim_scale(o.rework + s.rework)
    from (
        select
            r.mo_no,
            coalesce(r.operation_no, (
                select max(p.operation_no)
                from artery_erp.manufacturing_order_operation as p
                where p.mo_no = r.mo_no
            )) as operation_no,
            sum(r.good) as good,
            sum(r.scrap) as scrap,
            sum(r.rework) as rework
        from unnest(p_reports) as r
        group by 1, 2
    ) as s
    where o.mo_no = s.mo_no and o.operation_no = s.operation_no;

    update artery_erp.manufacturing_order as mo
    set
        good = trim_scale(mo.good + s.good),
        scrap = trim_scale(mo.scrap + s.scrap),
        rework = trim_scale(mo.rework + s.rework)
    from (
        select
            r.mo_no,
            sum(r.good) as good,
            sum(r.scrap) as scrap,
            sum(r.rework) as rework
        from unnest(p_reports) as r
        where r.final
        group by r.mo_no
    ) as s
    where mo.mo_no = s.mo_no;

    -- apart, as the order's life cycle is guarded by a trigger, which its counts need not pass
    update artery_erp.manufacturing_order as mo
    set status = case when mo.good >= mo.quantity then 'completed' else 'in_progress' end
    where
        mo.mo_no in (select r.mo_no from unnest(p_reports) as r where r.kind <> 'release')
        and mo.status in ('released', 'in_progress', 'completed')
        and mo.status <> case when mo.good >= mo.quantity then 'completed' else 'in_progress' end;
end
$function$;
comment on function artery_mes._count_progress(artery_mes.production_report[]) is
'Adds reports to the counts of their operations and orders; moves the orders'' status';
revoke execute on function artery_mes._count_progress(artery_mes.production_report[]) from public;
