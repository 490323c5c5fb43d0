delete from artery.saga_step
where saga like '%.red_letter' and function like 'artery_tax.%';
delete from artery.saga_definition
where name like '%.red_letter';
alter table artery_erp.ar_invoice_line
drop constraint ar_invoice_line_quantity_check;
-- an allowance as one of it
update artery_erp.ar_invoice_line
set quantity = -1, price = -amount
where quantity is null and kind <> 'discount';
alter table artery_erp.ar_invoice_line
add constraint ar_invoice_line_quantity_check check (
    (kind = 'discount') = (quantity is null)
    and (quantity is null) = (price is null)
    and (quantity is null or quantity > -1e15 and quantity < 1e15)
    and (price is null or price >= 0 and price < 1e15)
);
alter table artery_tax.gateway_profile drop column if exists needs_confirmation;
drop table if exists artery_tax.red_letter;
