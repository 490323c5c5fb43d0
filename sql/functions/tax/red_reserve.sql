create or replace function artery_tax.red_reserve(p_part jsonb)
returns jsonb
language sql
immutable
set search_path = pg_catalog, pg_temp
as $function$
select jsonb_build_object('order_no', p_part #>> '{context,order_no}')
$function$;
comment on function artery_tax.red_reserve(jsonb) is
'Step function of sagas: nothing is done. What matters is its undo, in its place in the order: artery_tax.red_release, or the '
'confirmation that precedes the undo of an invoice';
revoke execute on function artery_tax.red_reserve(jsonb) from public;

/* Undone last, so when the saga knows that neither the confirmation nor the red invoice stands. */
create or replace function artery_tax.red_release(p_part jsonb)
returns jsonb
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_order_no text := (artery_tax._red_letter_of(p_part)).order_no;
begin
    -- its task was cancelled by hand before anything was sent
    update artery_erp.ar_invoice as v
    set status = 'undelivered'
    where v.order_no = v_order_no and v.status = 'requested';
    perform artery_tax.cancel_invoice(v_order_no, coalesce(v.reason, 'the red letter came to nothing'))
    from artery_erp.ar_invoice as v
    where v.order_no = v_order_no;
    update artery_tax.red_letter as r
    set
        status = case r.status when 'requested' then 'released' else r.status end,
        ended_at = clock_timestamp()
    where r.order_no = v_order_no;
    return jsonb_build_object('order_no', v_order_no);
end
$function$;
comment on function artery_tax.red_release(jsonb) is
'Undo function of sagas: gives a red letter up; what it held of its invoice can be taken back again. Errors: IN504 it is issued';
revoke execute on function artery_tax.red_release(jsonb) from public;
