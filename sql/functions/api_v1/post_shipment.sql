create or replace function artery_api_v1.post_shipment(jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_no text := artery_tax._document_number($1, 'shipment_no');
    v_status text;
begin
    -- whoever comes second waits here and finds it posted
    select s.status
    into v_status
    from artery_erp.sales_shipment as s
    where s.shipment_no = v_no
    for update;
    if v_status is distinct from 'posted' then
        update artery_erp.sales_shipment as s
        set status = 'posted'
        where s.shipment_no = v_no;
        if not found then
            perform artery_tax._no_document('sales_shipment', v_no);
        end if;
    end if;
    return jsonb_build_object('shipment_no', v_no, 'invoices', artery_tax._invoices_of('sales_shipment', v_no));
end
$function$;

comment on function artery_api_v1.post_shipment(jsonb) is
'Posts a sales shipment, takes it out of stock and asks for its invoices: {"shipment_no"} -> {"shipment_no", "invoices": [{"order_no", "status", '
'"task_id", "request_id", "invoice_no"}]}. Again: the same, as it now stands. Errors: IN102, IN107, IN109, IN110 it cannot be taken '
'out of stock; IN103 it is cancelled; IN502 it cannot be invoiced, all reasons; IN507 no such shipment; 22023 bad argument';
grant execute on function artery_api_v1.post_shipment(jsonb) to artery_app;
