-- PL/pgSQL for its kept plans: planning costs more than running
create or replace function artery_erp.release_problems(
    p_item_code text,
    p_unit text default null,
    p_at timestamptz default now(),
    p_revision text default null
)
returns table (code text, problem text)
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $function$
begin
    return query
    with exploded as materialized (
        select e.*
        from artery_erp.bom_explosion(p_item_code, 1, p_at, p_revision, p_unit, true) as e
    )

    select
        'IN101',
        case
            when not exists (select from artery_erp.effective_bom(p_item_code, p_at, p_revision)) then
                format('item %s has no released BOM %s', p_item_code, coalesce(
                    'of revision ' || p_revision, 'effective at ' || p_at
                ))
            else format('the BOM of item %s has no line effective at %s', p_item_code, p_at)
        end
    where not exists (select from exploded)
    union all
    select distinct
        'IN101',
        format('phantom %s has no released BOM effective at %s', e.path, p_at)
    from exploded as e
    where e.phantom and not e.cyclic and not exists (
        select
        from artery_erp.bom_line as l
        where l.bom_id = e.component_bom_id and l.effectivity @> p_at
    )
    union all
    select
        'IN105',
        e.path
    from exploded as e
    where e.cyclic
    union all
    select
        'IN104',
        format('item %s is %s', i.code, i.status)
    from artery_erp.bom_items(p_item_code, p_at, p_revision) as b
    inner join artery_erp.item as i on i.code = b.item_code
    where i.status = 'draft'
    union all
    select
        'IN102',
        m.missing
    from (
        select e.missing
        from exploded as e
        where e.missing is not null
        union
        select format('item %s from %s to %s', i.code, p_unit, i.stock_unit)
        from artery_erp.item as i
        where
            i.code = p_item_code
            and p_unit <> i.stock_unit
            and not exists (select from artery_erp.unit_factor(i.code, p_unit, i.stock_unit))
    ) as m
    order by 1, 2;
end
$function$;

comment on function artery_erp.release_problems(text, text, timestamptz, text) is
'Everything that stops an order for an item, in p_unit, planned to start at p_at: IN101 no usable BOM, '
'IN102 missing unit conversion, IN104 draft item anywhere below, IN105 cycle. No row: it can be released';
grant execute on function artery_erp.release_problems(text, text, timestamptz, text)
    to artery_app, artery_reader;
