delete from artery.sweep_step
where name in ('saga_timeouts', 'delete_ended_sagas');
drop table if exists artery.saga_step_run;
drop table if exists artery.saga;
drop table if exists artery.saga_step;
drop table if exists artery.saga_definition;
