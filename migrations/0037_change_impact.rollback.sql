delete from artery.sweep_step
where name = 'refresh_wip_impact';
drop materialized view if exists artery_plm.wip_impact;
drop function if exists artery_plm.impact_rows(text);
drop table if exists artery_plm.eco_order_change;
drop table if exists artery_plm.eco_disposition;
alter table artery_erp.manufacturing_order drop column if exists lines_changed_at;
