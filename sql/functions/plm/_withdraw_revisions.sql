create or replace function artery_plm._withdraw_revisions(p_eco_no text)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_orders text;
begin
    select string_agg(mo.mo_no, ', ' order by mo.mo_no)
    into v_orders
    from artery_erp.engineering_change_bom as c
    inner join artery_erp.manufacturing_order as mo on mo.bom_id = c.new_bom_id
    where c.eco_no = p_eco_no and mo.status <> 'cancelled';
    if v_orders is not null then
        raise exception using
            errcode = 'IN258',
            message = format('ECO %s cannot be cancelled: orders are built by it', p_eco_no),
            detail = format('Released with its new revision: %s.', v_orders),
            hint = 'Cancel those orders first, or go back by a further ECO.';
    end if;
    -- obsolete before the base is given its time back: the two may not overlap
    update artery_erp.bom as b
    set status = 'obsolete'
    from artery_erp.engineering_change_bom as c
    where c.eco_no = p_eco_no and b.id = c.new_bom_id;
    update artery_erp.bom as b
    set effectivity = tstzrange(lower(b.effectivity), upper(n.effectivity))
    from artery_erp.engineering_change_bom as c
    inner join artery_erp.bom as n on n.id = c.new_bom_id
    where c.eco_no = p_eco_no and b.id = c.base_bom_id;
end
$function$;
comment on function artery_plm._withdraw_revisions(text) is
'Takes back the revisions of a scheduled ECO; raises IN258 where orders were released with them';
revoke execute on function artery_plm._withdraw_revisions(text) from public;
