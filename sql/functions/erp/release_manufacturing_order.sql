create or replace function artery_erp.release_manufacturing_order(p_mo_no text)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_mo record;
begin
    -- whoever comes second waits here and finds the order released
    select
        mo.status,
        mo.version
    into v_mo
    from artery_erp.manufacturing_order as mo
    where mo.mo_no = p_mo_no
    for update;
    if not found then
        raise exception using
            errcode = 'IN106',
            message = format('there is no manufacturing order %s', coalesce(p_mo_no, '(null)')),
            detail = 'No row of artery_erp.manufacturing_order has this number.',
            hint = 'Numbers are compared exactly, case included.';
    end if;
    if v_mo.status in ('released', 'in_progress', 'held') then
        return v_mo.version;
    end if;

    update artery_erp.manufacturing_order as mo
    set status = 'released'
    where mo.mo_no = p_mo_no
    returning mo.version into v_mo.version;
    return v_mo.version;
end
$function$;

comment on function artery_erp.release_manufacturing_order(text) is
'Releases a planned order: freezes its lines, tells the shop floor; returns its version. Of an order '
'released before, returns that and does nothing. Errors: IN101, IN102, IN104, IN105 as check_release; '
'IN103 it is cancelled or done; IN106 no such order';
grant execute on function artery_erp.release_manufacturing_order(text) to artery_app;
