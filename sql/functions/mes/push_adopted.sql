/* Compares what the adopted ERP's view says of an order now with what the MES was told last, and
   tells the difference as the next version. It does not matter what was touched, how often, or in
   which order events come: twice the same tells nothing. */
create or replace function artery_mes.push_adopted(p_mo_no text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_known artery_mes.adopted_order;
    v_order jsonb;
    v_document jsonb;
    v_status text;
    v_reasons jsonb;
    v_news boolean;
begin
    -- first, so that of two events of one order the later one also sees the later order
    insert into artery_mes.adopted_order as o (mo_no)
    values (p_mo_no)
    on conflict (mo_no) do update
    set seen_at = clock_timestamp()
    returning o.*
    into strict v_known;
    v_order := artery_erp.adopted_order(p_mo_no);
    v_reasons := artery_mes._adopted_problems(v_order);
    -- released no more is cancelled for the shop floor, whatever the ERP calls it
    v_status := coalesce(v_order ->> 'status', 'cancelled');
    if v_reasons is not null or v_known.version = 0 and v_status in ('planned', 'cancelled') then
        delete from artery_mes.adopted_order as o
        where o.mo_no = p_mo_no and o.version = 0;
        return v_reasons;
    end if;

    v_document := case
        when v_status in ('released', 'in_progress', 'held') then artery_mes.adopted_document(v_order)
        when v_status in ('planned', 'cancelled') then v_known.told || '{"status": "cancelled"}'
    end;
    v_news := coalesce(v_document <> v_known.told, v_document is not null);
    update artery_mes.adopted_order as o
    set
        version = o.version + v_news::integer,
        told = coalesce(v_document, o.told),
        status = v_status,
        item_code = coalesce(v_document #>> '{item,code}', o.item_code),
        quantity = coalesce((v_document ->> 'quantity')::numeric, o.quantity),
        unit = coalesce(v_document ->> 'unit', o.unit)
    where o.mo_no = p_mo_no;
    if v_news then
        perform artery_mes.push_mo(p_mo_no);
    end if;
    return null;
end
$function$;
comment on function artery_mes.push_adopted(text) is
'Tells the MES what is new of an order of the adopted ERP, if anything is. Returns the reasons why that cannot be done '
'(IN084), null = done';
revoke execute on function artery_mes.push_adopted(text) from public;
grant execute on function artery_mes.push_adopted(text) to artery_operator;
