delete from artery_staging.message_schema
where message_type = 'supplier_po_reply';
delete from artery_staging.inbox
where table_name = 'artery_staging.supplier_po_reply';
delete from artery.sweep_step
where name = 'inbox_supplier_po_reply';
drop table if exists artery_staging.supplier_po_reply;
drop table if exists artery_procurement.po_reply_line;
drop table if exists artery_procurement.po_reply;
drop table if exists artery_procurement.po_dispatch;
revoke usage on schema artery_procurement from artery_app;
revoke all on artery_erp.purchase_order, artery_erp.purchase_order_line from artery_app;
alter table artery_erp.purchase_order_line drop column if exists over_delivery_rate;
alter table artery_erp.purchase_order
drop column if exists version,
drop column if exists untold,
drop column if exists warehouse_code,
drop column if exists note,
drop column if exists approved_at,
drop column if exists closed_at,
drop column if exists cancelled_at;
grant select, insert, update on artery_erp.purchase_order, artery_erp.purchase_order_line
to artery_app;
delete from artery_erp.document_transition
where document_type = 'purchase_order';
