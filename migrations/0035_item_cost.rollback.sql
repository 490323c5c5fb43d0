delete from artery.sweep_step
where name = 'roll_up_costs';
drop table if exists artery_plm.cost_run_problem;
drop table if exists artery_plm.cost_run_item;
drop table if exists artery_plm.cost_run;
drop table if exists artery_plm.cost_signal;
drop table if exists artery_plm.cost_policy;
drop table if exists artery_erp.item_cost;
drop table if exists artery_erp.work_center_rate;
