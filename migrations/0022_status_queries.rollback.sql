set local role artery_owner;
-- nobody is left to ask: whoever waited for an answer waits for a person
update artery.integration_task
set status = 'processing', locked_until = clock_timestamp()
where inquiry is not null and status in ('pending', 'failed');
update artery.integration_task
set status = 'held', locked_until = null
where inquiry is not null;
alter table artery.sweep_step drop column backend_pid;
alter table artery.cloud_log drop column status_query;
alter table artery.integration_task drop column inquiry;
alter table artery.route
drop column status_method,
drop column status_path_template,
drop column accepted_path_template,
drop column status_interval,
drop column status_deadline,
drop column status_done,
drop column status_failed,
drop column status_absent,
drop column status_overdue;
