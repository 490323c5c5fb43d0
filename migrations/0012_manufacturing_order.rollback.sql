drop table if exists artery_erp.manufacturing_order_line;
drop table if exists artery_erp.manufacturing_order_operation;
drop table if exists artery_erp.manufacturing_order;
drop table if exists artery_erp.document_transition;
