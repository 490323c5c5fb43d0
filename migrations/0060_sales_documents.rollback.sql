delete from artery_erp.document_transition
where document_type in ('sales_shipment', 'settlement', 'ar_invoice');
drop table if exists artery_erp.ar_invoice_line;
drop table if exists artery_erp.ar_invoice;
drop sequence if exists artery_erp.ar_invoice_order_no_seq;
drop table if exists artery_erp.settlement_line;
drop table if exists artery_erp.settlement;
drop table if exists artery_erp.sales_shipment_line;
drop table if exists artery_erp.sales_shipment;
drop table if exists artery_erp.customer;
