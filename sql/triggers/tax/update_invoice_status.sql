create or replace function artery_tax.log_invoice_event()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    if tg_op = 'INSERT' then
        perform artery_tax.note_invoice(new.order_no, 'created', null, null, new.status);
    elsif (new.status, new.invoice_no) is distinct from (old.status, old.invoice_no) then
        perform artery_tax.note_invoice(
            new.order_no,
            case when new.status <> old.status then new.status else 'numbered' end,
            jsonb_strip_nulls(jsonb_build_object(
                'request_id', new.request_id,
                'reason', case when new.reason is distinct from old.reason then new.reason end
            )),
            old.status, new.status, new.invoice_no
        );
    end if;
    return null;
end
$function$;

create or replace trigger update_invoice_status
after insert or update of status, invoice_no on artery_erp.ar_invoice
for each row
execute function artery_tax.log_invoice_event();

comment on function artery_tax.log_invoice_event() is
'Keeps the history of each invoice in artery_tax.invoice_event: every status, every number, who and when';
