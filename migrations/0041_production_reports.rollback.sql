delete from artery_staging.inbox
where table_name = 'artery_staging.mes_production_report';
delete from artery.sweep_step
where argument = 'artery_staging.mes_production_report';
drop table if exists artery_staging.mes_production_report;
revoke usage on schema artery_staging from artery_app;
delete from artery_erp.document_transition
where (document_type, from_status, to_status) = ('manufacturing_order', 'completed', 'in_progress');
alter table artery_erp.manufacturing_order_line reset (fillfactor);
alter table artery_erp.manufacturing_order_operation reset (fillfactor);
alter table artery_erp.manufacturing_order reset (fillfactor);
alter table artery_erp.manufacturing_order
drop column if exists overproduction_rate,
drop column if exists good,
drop column if exists scrap,
drop column if exists rework;
alter table artery_erp.manufacturing_order_operation
drop column if exists good,
drop column if exists scrap,
drop column if exists rework;
drop table if exists artery_erp.manufacturing_order_line_substitute;
alter table artery_erp.manufacturing_order_line
drop column if exists issue_at,
drop column if exists issued;
alter table artery_erp.bom_line drop column if exists issue_at;
alter table artery_erp.manufacturing_order reset (fillfactor);
alter table artery_erp.manufacturing_order_operation reset (fillfactor);
alter table artery_erp.manufacturing_order_line reset (fillfactor);
