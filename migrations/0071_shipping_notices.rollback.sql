delete from artery_staging.message_schema
where message_type = 'supplier_asn';
delete from artery_staging.inbox
where table_name = 'artery_staging.supplier_asn';
delete from artery.sweep_step
where name = 'inbox_supplier_asn';
drop table if exists artery_staging.supplier_asn;
alter table artery_erp.purchase_order_line
drop column if exists notified_quantity,
drop column if exists outstanding_quantity,
drop column if exists outstanding_reason,
drop column if exists short_quantity;
alter table artery_erp.asn_line
drop column if exists serials,
drop column if exists received_quantity,
drop column if exists excess_quantity;
alter table artery_erp.asn_document
drop column if exists revision,
drop column if exists content_hash,
drop column if exists detail,
drop column if exists received_at;
grant insert, update on artery_erp.asn_document, artery_erp.asn_line to artery_app;
delete from artery_erp.document_transition
where document_type = 'asn_document';
