/* Costs the run's ready items with the lowest level, at most one batch, and makes ready what
   waited for them. A line costs quantity x (1 + scrap) x the component's cost; an operation its
   run minutes at the work center's rate, where any rate is kept. Setup depends on the lot and
   floor stock is not booked to orders: neither is in the cost. A component fixed to a revision
   costs what the item costs. Writes item_cost, cost_run_item, cost_run_problem. */
create or replace function artery_plm._roll_up_batch(p_run_id bigint)
returns integer
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_custom_plan'
set jit = off
set random_page_cost = 1.1
as $function$
declare
    v_run record;
    v_items text[];
    v_with_labour constant boolean := exists (select from artery_erp.work_center_rate);
begin
    select
        r.as_of,
        r.rate_source,
        p.batch_size
    into v_run
    from artery_plm.cost_run as r
    cross join artery_plm.cost_policy as p
    where r.id = p_run_id;

    v_items := array(
        select r.item_code
        from artery_plm.cost_run_item as r
        where r.run_id = p_run_id and r.state = 'ready'
        order by r.level, r.item_code
        limit v_run.batch_size
    );
    if v_items = '{}' then
        return 0;
    end if;

    with batch as materialized (
        select
            r.item_code,
            r.bom_id,
            i.stock_unit,
            i.standard_cost
        from artery_plm.cost_run_item as r
        inner join artery_erp.item as i on i.code = r.item_code
        where r.run_id = p_run_id and r.item_code = any(v_items)
    ),

    material as (
        select
            t.item_code,
            sum(l.quantity * (1 + l.scrap_rate) * f.numerator * c.unit_cost / f.denominator) as cost,
            array_agg(distinct case
                when f.numerator is null then format('conversion of %s from %s to %s', k.code, l.unit, k.stock_unit)
                when c.unit_cost is null then format('cost of %s', k.code)
            end) as missing
        from batch as t
        inner join artery_erp.bom_line as l
            on l.bom_id = t.bom_id and l.effectivity @> v_run.as_of and l.issue_method <> 'floor_stock'
        inner join artery_erp.item as k on k.code = l.component_code
        left join artery_erp.item_cost as c on c.item_code = l.component_code
        left join lateral artery_erp.unit_factor(k.code, l.unit, k.stock_unit) as f on true
        group by t.item_code
    ),

    labour as (
        select
            t.item_code,
            sum(o.run_minutes * w.hourly_rate / 60) as cost,
            array_agg(distinct case
                when w.hourly_rate is null then format('rate of work center %s', o.work_center)
            end) as missing
        from batch as t
        inner join artery_erp.bom_operation as o on o.bom_id = t.bom_id and o.run_minutes > 0
        left join artery_erp.work_center_rate as w on w.work_center = o.work_center
        where v_with_labour and o.work_center is not null
        group by t.item_code
    ),

    made as (
        select
            t.item_code,
            trim_scale(round(coalesce(m.cost, 0) * f.numerator / (b.base_quantity * f.denominator), 8)) as material_cost,
            trim_scale(round(coalesce(o.cost, 0) * f.numerator / (b.base_quantity * f.denominator), 8)) as operation_cost,
            array_remove(coalesce(m.missing, '{}') || coalesce(o.missing, '{}') || case
                when m.item_code is null then array['lines: its BOM has none on that day']
            end || case
                when f.numerator is null then
                    array[format('conversion of %s from %s to %s', t.item_code, t.stock_unit, b.unit)]
            end, null) as missing
        from batch as t
        inner join artery_erp.bom as b on b.id = t.bom_id
        left join material as m on m.item_code = t.item_code
        left join labour as o on o.item_code = t.item_code
        left join lateral artery_erp.unit_factor(t.item_code, t.stock_unit, b.unit) as f on true
    ),

    costs as (
        select
            m.item_code,
            case when m.missing = '{}' then m.material_cost + m.operation_cost end as unit_cost,
            case when m.missing = '{}' then m.material_cost end as material_cost,
            case when m.missing = '{}' then m.operation_cost end as operation_cost,
            'bom' as source,
            m.missing
        from made as m
        union all
        select
            t.item_code,
            coalesce(p.unit_cost, t.standard_cost),
            coalesce(p.unit_cost, t.standard_cost),
            case when coalesce(p.unit_cost, t.standard_cost) is not null then 0 end,
            case when p.unit_cost is null then 'standard' else 'purchase' end,
            case
                when coalesce(p.unit_cost, t.standard_cost) is null then array['standard cost']
                else '{}'::text[]
            end
        from batch as t
        left join lateral artery_plm._purchase_cost(t.item_code, t.stock_unit, v_run.as_of) as p
            on v_run.rate_source = 'purchase'
        where t.bom_id is null
    ),

    problems as (
        insert into artery_plm.cost_run_problem (run_id, item_code, kind, problem)
        select
            p_run_id,
            c.item_code,
            'missing',
            m.problem
        from costs as c
        cross join lateral unnest(c.missing) as m (problem)
        on conflict do nothing
    )

    insert into artery_erp.item_cost as x (
        item_code, unit_cost, material_cost, operation_cost, source, missing, run_id, as_of
    )
    select
        c.item_code,
        c.unit_cost,
        c.material_cost,
        c.operation_cost,
        c.source,
        c.missing,
        p_run_id,
        v_run.as_of
    from costs as c
    on conflict (item_code) do update
    set
        unit_cost = excluded.unit_cost,
        material_cost = excluded.material_cost,
        operation_cost = excluded.operation_cost,
        source = excluded.source,
        missing = excluded.missing,
        run_id = excluded.run_id,
        as_of = excluded.as_of,
        computed_at = clock_timestamp();

    update artery_plm.cost_run_item as r
    set state = 'done'
    where r.run_id = p_run_id and r.item_code = any(v_items);

    perform artery_plm._free_cost_parents(p_run_id, v_items, v_run.as_of);
    return cardinality(v_items);
end
$function$;
comment on function artery_plm._roll_up_batch(bigint) is
'Costs the next batch of a run, lowest level first; returns how many items, 0 when none is ready';
revoke execute on function artery_plm._roll_up_batch(bigint) from public;
