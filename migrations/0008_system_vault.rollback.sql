drop table if exists artery.system_vault;
alter table if exists artery.endpoint drop column if exists signing_ref;
