alter table artery.cloud_log drop column if exists trace_id;
alter table artery.integration_task
drop column if exists trace_id,
drop column if exists download_bytes;
alter table artery.route
drop column if exists envelope,
drop column if exists event_type,
drop column if exists download,
drop column if exists download_bytes;
alter table artery.endpoint
drop column if exists envelope,
drop column if exists event_source,
drop column if exists problem_outcomes;
