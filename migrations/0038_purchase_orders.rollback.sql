drop table if exists artery_erp.asn_line;
drop table if exists artery_erp.asn_document;
drop table if exists artery_erp.purchase_order_line;
drop table if exists artery_erp.purchase_order;
drop table if exists artery_erp.supplier;
