delete from artery.sweep_step
where name = 'trim_tasks';
drop table if exists artery.task_trim;
alter table artery.endpoint drop column if exists task_keep;
