/* What was frozen at release changes only in a transaction that has recorded it as an ECO's
   action. required follows the order's quantity, issued the reports. */
create or replace function artery_plm.manufacturing_order_line_frozen()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_mo_no text := case tg_op when 'DELETE' then old.mo_no else new.mo_no end;
begin
    if
        exists (
            select
            from artery_plm.eco_order_change as c
            where c.mo_no = v_mo_no and c.transaction_id = pg_current_xact_id()
        )
        -- its release, in this transaction
        or tg_op = 'INSERT' and exists (
            select
            from artery_erp.manufacturing_order as mo
            where mo.mo_no = v_mo_no and mo.released_at >= now() and mo.version = 1
        ) then
        return null;
    end if;
    raise exception using
        errcode = 'IN259',
        message = format('manufacturing order %s: its lines are frozen', v_mo_no),
        detail = format('%s of line %s.', tg_op, case tg_op when 'DELETE' then old.line_no else new.line_no end),
        hint = 'Only an engineering change reaches a released order: artery_plm.carry_out_dispositions.';
end
$function$;

create or replace trigger manufacturing_order_line_frozen
after insert or delete or update of
    mo_no, line_no, bom_id, bom_line_no, bom_path, component_code, quantity, base_quantity, unit
on artery_erp.manufacturing_order_line
for each row
execute function artery_plm.manufacturing_order_line_frozen();

comment on function artery_plm.manufacturing_order_line_frozen() is
'Refuses (IN259) changes of an order''s frozen lines other than by an engineering change';
