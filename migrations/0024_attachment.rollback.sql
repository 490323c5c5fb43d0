delete from artery.sweep_step
where name in ('discard_downloads', 'trim_logs');
drop table if exists artery.log_trim;
alter table artery.endpoint drop column if exists log_keep;
drop table if exists artery.attachment_chunk;
drop table if exists artery.attachment;
drop table if exists artery.download;
