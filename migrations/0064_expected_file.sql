set local role artery_owner;

alter table artery.integration_task add column download_sha256 bytea;
comment on column artery.integration_task.download_sha256 is
'What the file''s SHA-256 must be, where that was said beforehand (artery.expect_file); null = not said';
