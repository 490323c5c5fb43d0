delete from artery_staging.inbox
where table_name = 'artery_staging.plm_ecn';
delete from artery.sweep_step
where name in ('inbox_plm_ecn', 'implement_ecos');
drop table if exists artery_plm.ecn_property;
drop table if exists artery_staging.plm_ecn;
delete from artery_erp.document_transition
where document_type = 'engineering_change_order';
drop table if exists artery_erp.engineering_change_line;
drop table if exists artery_erp.engineering_change_bom;
drop table if exists artery_erp.engineering_change_order;
