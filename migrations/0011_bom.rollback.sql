drop table if exists artery_erp.bom_line_substitute;
drop table if exists artery_erp.bom_line_designator;
drop table if exists artery_erp.bom_line;
drop table if exists artery_erp.bom_operation;
drop table if exists artery_erp.bom;
