-- One by one, each as the replies before it left its order; orders are locked in their order
create or replace function artery_staging.process_supplier_po_replies(p_ids bigint[])
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_row record;
    v_answer jsonb;
begin
    for v_row in
        select
            s.id,
            s.source,
            s.message_id,
            s.body
        from artery_staging.supplier_po_reply as s
        where s.id = any(p_ids)
        order by s.source, s.body ->> 'po_no', s.id
    loop
        v_answer := jsonb_strip_nulls(jsonb_build_object(
            'reasons', artery_staging._supplier_message_reasons('supplier_po_reply', v_row.source, v_row.body)
        ));
        if v_answer = '{}' then
            v_answer := artery_procurement.take_po_reply(v_row.source, v_row.message_id, v_row.body);
        end if;
        update artery_staging.supplier_po_reply as s
        set
            status = case when v_answer ? 'reasons' then 'rejected' else 'processed' end,
            result = case when not v_answer ? 'reasons' then v_answer end,
            reasons = v_answer -> 'reasons'
        where s.id = v_row.id;
    end loop;
end
$function$;
insert into artery_staging.inbox (table_name, processor, partner_columns)
values (
    'artery_staging.supplier_po_reply', 'artery_staging.process_supplier_po_replies',
    '{source,message_id,body}'
)
on conflict do nothing;

comment on function artery_staging.process_supplier_po_replies(bigint[]) is
'Processor of the inbox supplier_po_reply: artery_procurement.take_po_reply for each';
revoke execute on function artery_staging.process_supplier_po_replies(bigint[]) from public;
