/* FOR SHARE waits for a posting that is under way, and a posting waits for it: no line slips in
   behind the back of the invoice. A draft that is deleted takes its lines with it. */
create or replace function artery_erp.sales_line_frozen()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_key text := case tg_table_name when 'sales_shipment_line' then 'shipment_no' else 'settlement_no' end;
    v_numbers text[] := array[to_jsonb(old) ->> v_key, to_jsonb(new) ->> v_key];
    v_frozen record;
begin
    if tg_table_name = 'sales_shipment_line' then
        perform from artery_erp.sales_shipment as s where s.shipment_no = any(v_numbers) for share;
        select s.shipment_no as no, s.status into v_frozen
        from artery_erp.sales_shipment as s
        where s.shipment_no = any(v_numbers) and s.status <> 'draft';
    else
        perform from artery_erp.settlement as s where s.settlement_no = any(v_numbers) for share;
        select s.settlement_no as no, s.status into v_frozen
        from artery_erp.settlement as s
        where s.settlement_no = any(v_numbers) and s.status <> 'draft';
    end if;
    if found then
        raise exception using
            errcode = 'IN103',
            message = format('%s %s is %s: its lines are frozen', replace(tg_table_name, '_line', ''), v_frozen.no, v_frozen.status),
            detail = format('%s of line %s.', tg_op, coalesce(to_jsonb(new), to_jsonb(old)) ->> 'line_no'),
            hint = 'What was wrong is taken back by a red invoice; write a new document for the rest.';
    end if;
    return null;
end
$function$;

create or replace trigger sales_line_frozen
after insert or update or delete on artery_erp.sales_shipment_line
for each row
execute function artery_erp.sales_line_frozen();
create or replace trigger sales_line_frozen
after insert or update or delete on artery_erp.settlement_line
for each row
execute function artery_erp.sales_line_frozen();

comment on function artery_erp.sales_line_frozen() is
'Refuses (IN103) any change of the lines of a posted shipment or an approved settlement';
