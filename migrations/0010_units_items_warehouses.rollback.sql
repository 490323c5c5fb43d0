drop table if exists artery_erp.warehouse;
drop table if exists artery_erp.unit_conversion;
drop table if exists artery_erp.item;
drop table if exists artery_erp.unit;
