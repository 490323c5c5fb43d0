alter table artery.integration_task drop column if exists download_sha256;
