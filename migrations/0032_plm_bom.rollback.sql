delete from artery_staging.inbox
where table_name = 'artery_staging.plm_bom';
delete from artery.sweep_step
where name = 'inbox_plm_bom';
drop table if exists artery_plm.bom_import_edge;
drop table if exists artery_plm.bom_import_row;
drop table if exists artery_plm.bom_source;
drop table if exists artery_plm.xml_mapping;
drop table if exists artery_staging.plm_bom;
