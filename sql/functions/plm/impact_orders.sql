create or replace function artery_plm.impact_orders(p_bom_ids bigint[])
returns table (
    bom_id bigint,
    bom_line_no integer,
    first boolean,
    mo_no text,
    kind text,
    status text,
    required numeric,
    issued numeric,
    planned_start timestamptz
)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_custom_plan'
set jit = off
as $function$
begin
    return query
    with frozen as (
        select
            l.bom_id,
            l.bom_line_no,
            l.mo_no,
            sum(l.required) as required,
            sum(l.issued) as issued
        from artery_erp.manufacturing_order_line as l
        where l.bom_id = any(p_bom_ids)
        group by l.bom_id, l.bom_line_no, l.mo_no
    )

    select
        f.bom_id,
        f.bom_line_no,
        f.bom_line_no = min(f.bom_line_no) over (partition by f.bom_id, f.mo_no),
        f.mo_no::text,
        case
            when mo.status = 'completed' then 'mo_done'
            when mo.started_at is not null or mo.good + mo.scrap + mo.rework > 0 or f.issued > 0 then 'mo_started'
            else 'mo_not_started'
        end,
        mo.status,
        case when mo.status = 'completed' then f.issued else greatest(f.required - f.issued, 0) end,
        f.issued,
        mo.planned_start
    from frozen as f
    inner join artery_erp.manufacturing_order as mo on mo.mo_no = f.mo_no
    where mo.status in ('released', 'in_progress', 'held', 'completed');
end
$function$;
comment on function artery_plm.impact_orders(bigint[]) is
'Released orders whose frozen lines come from these revisions: what each line has still to take, and has taken';
revoke execute on function artery_plm.impact_orders(bigint[]) from public;
