create or replace function artery_api_v1.approve_settlement(jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_no text := artery_tax._document_number($1, 'settlement_no');
    v_status text;
begin
    -- whoever comes second waits here and finds it approved
    select s.status
    into v_status
    from artery_erp.settlement as s
    where s.settlement_no = v_no
    for update;
    if v_status is distinct from 'approved' then
        update artery_erp.settlement as s
        set status = 'approved'
        where s.settlement_no = v_no;
        if not found then
            perform artery_tax._no_document('settlement', v_no);
        end if;
    end if;
    return jsonb_build_object('settlement_no', v_no, 'invoices', artery_tax._invoices_of('settlement', v_no));
end
$function$;

comment on function artery_api_v1.approve_settlement(jsonb) is
'Approves a settlement and asks for its invoices: {"settlement_no"} -> {"settlement_no", "invoices": [{"order_no", "status", "task_id", '
'"request_id", "invoice_no"}]}. Again: the same, as it now stands. Errors: IN103 it is cancelled; IN502 it cannot be invoiced, all '
'reasons; IN507 no such settlement; 22023 bad argument';
grant execute on function artery_api_v1.approve_settlement(jsonb) to artery_app;
