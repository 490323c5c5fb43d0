-- One by one: of several revisions in a batch each finds what the one before left. All batches lock
-- lines in one order, so that they wait for each other and do not deadlock.
create or replace function artery_staging.process_supplier_asns(p_ids bigint[])
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
    perform artery_procurement.lock_order_lines(o.source, o.po_nos, o.line_nos)
    from (
        select
            s.source,
            array_agg(artery_erp.clean_code(l.line ->> 'po_no')) as po_nos,
            array_agg((l.line ->> 'po_line_no')::integer) as line_nos
        from artery_staging.supplier_asn as s
        cross join lateral jsonb_array_elements(
            case jsonb_typeof(s.body -> 'lines') when 'array' then s.body -> 'lines' else '[]' end
        ) as l (line)
        where s.id = any(p_ids) and l.line ->> 'po_line_no' ~ '^[0-9]{1,9}$'
        group by s.source
        order by s.source
    ) as o;

    for v_row in
        select
            s.id,
            s.source,
            s.body
        from artery_staging.supplier_asn as s
        where s.id = any(p_ids)
        order by s.source, s.body ->> 'asn_no', s.id
    loop
        v_answer := jsonb_strip_nulls(jsonb_build_object(
            'reasons', artery_staging._supplier_message_reasons('supplier_asn', v_row.source, v_row.body)
        ));
        if v_answer = '{}' then
            v_answer := artery_procurement.take_asn(v_row.source, v_row.body);
        end if;
        update artery_staging.supplier_asn as s
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
    'artery_staging.supplier_asn', 'artery_staging.process_supplier_asns',
    '{source,message_id,body}'
)
on conflict do nothing;

comment on function artery_staging.process_supplier_asns(bigint[]) is
'Processor of the inbox supplier_asn: artery_procurement.take_asn for each';
revoke execute on function artery_staging.process_supplier_asns(bigint[]) from public;
