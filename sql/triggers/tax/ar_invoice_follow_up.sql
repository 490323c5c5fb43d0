/* Once an invoice is issued its files are fetched; a red one is counted on the blue one that it
   takes back. The blue one is locked before what is red of it is summed: of two that are issued
   at the same moment, the second sees the first. */
create or replace function artery_tax.ar_invoice_follow_up()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_blue record;
begin
    perform artery_tax.fetch_files(new.order_no);
    if new.kind = 'red' then
        select
            v.status,
            v.total
        into v_blue
        from artery_erp.ar_invoice as v
        where v.order_no = new.original_order_no
        for update;
        update artery_tax.red_letter as r
        set
            status = 'issued',
            ended_at = clock_timestamp()
        where r.order_no = new.order_no;
        update artery_erp.ar_invoice as v
        set status = case when v_blue.total + s.total = 0 then 'red' else 'partly_red' end
        from (
            select sum(r.total) as total
            from artery_erp.ar_invoice as r
            where r.original_order_no = new.original_order_no and r.kind = 'red' and r.status = 'issued'
        ) as s
        where v.order_no = new.original_order_no;
        perform artery_tax.note_invoice(
            new.original_order_no, 'taken back',
            jsonb_build_object('order_no', new.order_no, 'invoice_no', new.invoice_no, 'total', new.total::text)
        );
    end if;
    return null;
end
$function$;

create or replace trigger ar_invoice_follow_up
after update of status on artery_erp.ar_invoice
for each row
when (new.status = 'issued' and old.status <> 'issued')
execute function artery_tax.ar_invoice_follow_up();

comment on function artery_tax.ar_invoice_follow_up() is
'When an invoice is issued: fetches its files, counts a red one on the blue one';
