create or replace function artery_plm._free_cost_parents(
    p_run_id bigint, p_items text[], p_as_of timestamptz
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_custom_plan'
set jit = off
set random_page_cost = 1.1
as $function$
begin
    update artery_plm.cost_run_item as r
    set
        waiting_for = r.waiting_for - u.lines,
        level = greatest(r.level, u.level + 1),
        state = case when r.waiting_for <= u.lines then 'ready' else 'waiting' end
    from (
        select
            p.item_code,
            count(*) as lines,
            max(c.level) as level
        from artery_plm.cost_run_item as c
        inner join artery_erp.bom_line as l
            on
                l.component_code = c.item_code
                and l.effectivity @> p_as_of
                and l.issue_method <> 'floor_stock'
        inner join artery_plm.cost_run_item as p on p.run_id = c.run_id and p.bom_id = l.bom_id
        where c.run_id = p_run_id and c.item_code = any(p_items)
        group by p.item_code
    ) as u
    where r.run_id = p_run_id and r.item_code = u.item_code and r.state = 'waiting';
end
$function$;
comment on function artery_plm._free_cost_parents(bigint, text[], timestamptz) is
'Tells what waits for these items in a run that they are costed; what waits for nothing more is ready';
revoke execute on function artery_plm._free_cost_parents(bigint, text[], timestamptz) from public;
