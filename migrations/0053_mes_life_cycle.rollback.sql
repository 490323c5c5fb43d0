delete from artery.sweep_step
where name = 'mes_reconciliation';
drop table if exists artery_mes.reconciliation_difference;
drop table if exists artery_mes.reconciliation;
drop table if exists artery_mes.setting;
alter table artery_mes.mo_dispatch
drop column if exists resend_reason,
drop column if exists resent;
