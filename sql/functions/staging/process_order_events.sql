create or replace function artery_staging.process_order_events(p_ids bigint[])
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_mo_no text;
    v_orders text[] := array[]::text[];
    v_reasons jsonb;
begin
    -- one order after the other, locked in one order whoever does it
    for v_mo_no in
        select distinct e.body ->> 'mo_no' collate "C"
        from artery_staging.erp_order_event as e
        where e.id = any(p_ids)
        order by 1
    loop
        v_orders := array_append(v_orders, v_mo_no);
        v_reasons := artery_mes.push_adopted(v_mo_no);
        update artery_staging.erp_order_event as e
        set
            status = 'rejected',
            reasons = v_reasons
        where v_reasons is not null and e.id = any(p_ids) and e.body ->> 'mo_no' = v_mo_no;
        -- what the order is now is told: whatever was told or refused of it before has no more to say
        delete from artery_staging.erp_order_event as e
        where
            e.body ->> 'mo_no' = v_mo_no
            and (
                e.id = any(p_ids) and v_reasons is null
                or e.status = 'rejected' and e.id < all(p_ids)
            );
    end loop;
    perform artery_staging._wake_adopted_reports(v_orders);
end
$function$;

insert into artery_staging.inbox (table_name, processor, batch_size)
values ('artery_staging.erp_order_event', 'artery_staging.process_order_events(bigint[])', 500)
on conflict do nothing;

comment on function artery_staging.process_order_events(bigint[]) is
'Processor of artery_staging.erp_order_event: tells the MES what is new of the orders that were touched, and has their '
'reports asked for again. What is done is deleted';
grant execute on function artery_staging.process_order_events(bigint[]) to artery_operator;
