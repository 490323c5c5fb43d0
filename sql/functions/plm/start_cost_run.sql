-- The items themselves, whatever they go into, and whatever of them has never been costed.
create or replace function artery_plm._collect_cost_items(p_run_id bigint, p_items text[])
returns integer
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_custom_plan'
set jit = off
as $function$
declare
    v_as_of timestamptz;
    v_items text[];
    v_count integer;
begin
    select r.as_of into v_as_of from artery_plm.cost_run as r where r.id = p_run_id;

    if p_items is null then
        v_items := array(select i.code from artery_erp.item as i);
    else
        with recursive above as (
            select i.code as item_code
            from artery_erp.item as i
            where i.code = any(p_items)
            union
            select b.item_code
            from above as a
            inner join artery_erp.bom_line as l
                on l.component_code = a.item_code and l.effectivity @> v_as_of
            inner join artery_erp.bom as b
                on b.id = l.bom_id and b.status = 'released' and b.effectivity @> v_as_of
        ),

        whole as (
            select a.item_code
            from above as a
            union
            select l.component_code
            from whole as w
            inner join artery_erp.bom as b
                on b.item_code = w.item_code and b.status = 'released' and b.effectivity @> v_as_of
            inner join artery_erp.bom_line as l on l.bom_id = b.id and l.effectivity @> v_as_of
            where not exists (
                select from artery_erp.item_cost as c where c.item_code = l.component_code
            )
        )

        select coalesce(array_agg(w.item_code), '{}') into v_items
        from whole as w;
    end if;

    with items as materialized (
        select
            i.code as item_code,
            b.id as bom_id
        from unnest(v_items) as v (code)
        inner join artery_erp.item as i on i.code = v.code
        left join artery_erp.bom as b
            on
                b.item_code = i.code
                and i.source is distinct from 'buy'
                and b.status = 'released'
                and b.effectivity @> v_as_of
    ),

    waiting as (
        select
            p.item_code,
            count(*) as lines
        from items as p
        inner join artery_erp.bom_line as l
            on l.bom_id = p.bom_id and l.effectivity @> v_as_of and l.issue_method <> 'floor_stock'
        inner join items as c on c.item_code = l.component_code
        group by p.item_code
    )

    insert into artery_plm.cost_run_item (run_id, item_code, bom_id, state, waiting_for)
    select
        p_run_id,
        i.item_code,
        i.bom_id,
        case when w.lines is null then 'ready' else 'waiting' end,
        coalesce(w.lines, 0)
    from items as i
    left join waiting as w on w.item_code = i.item_code;
    get diagnostics v_count = row_count;
    -- sweeps follow at once, before autovacuum could look
    analyze artery_plm.cost_run_item;
    return v_count;
end
$function$;
comment on function artery_plm._collect_cost_items(bigint, text[]) is
'Fills a run with its items, the BOM of each and how many of its lines wait for another item of the run';
revoke execute on function artery_plm._collect_cost_items(bigint, text[]) from public;

create or replace function artery_plm.start_cost_run(
    p_items text[] default null,
    p_rate_source text default null,
    p_as_of timestamptz default now(),
    p_scope text default null
)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_custom_plan'
set jit = off
as $function$
declare
    v_run_id bigint;
begin
    insert into artery_plm.cost_run (scope, rate_source, as_of)
    select
        coalesce(p_scope, case when p_items is null then 'all' else 'items' end),
        coalesce(p_rate_source, p.rate_source),
        p_as_of
    from artery_plm.cost_policy as p
    on conflict do nothing
    returning id into v_run_id;
    if v_run_id is null then
        raise exception using
            errcode = 'IN250',
            message = 'a roll-up of costs is under way',
            detail = (
                select format('Run %s, %s of %s items done.', r.id, r.done, r.items)
                from artery_plm.cost_run as r
                where r.status = 'running'
            ),
            hint = 'artery.tick() goes on with it; or end it now: select artery_plm.roll_up_costs(''infinity'').';
    end if;

    update artery_plm.cost_run as r
    set items = artery_plm._collect_cost_items(v_run_id, p_items)
    where r.id = v_run_id;
    return v_run_id;
end
$function$;
comment on function artery_plm.start_cost_run(text[], text, timestamptz, text) is
'Begins a roll-up of the costs of some items and whatever they go into, or of all; returns the run''s id. '
'artery.tick() does the work. p_rate_source: standard or purchase; null = artery_plm.cost_policy. Errors: '
'IN250 one is under way';
grant execute on function artery_plm.start_cost_run(text[], text, timestamptz, text)
    to artery_operator;
