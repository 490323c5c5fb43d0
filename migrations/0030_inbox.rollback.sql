delete from artery.sweep_step
where argument is not null;
revoke usage on schema artery_staging from artery_reader, artery_operator, artery_admin;
drop table if exists artery_staging.inbox;
alter table artery.sweep_step drop column if exists argument;
comment on column artery.sweep_step.function is
'schema.function(timestamptz) returns bigint: works in batches until that moment, gives the number '
'of things done';
