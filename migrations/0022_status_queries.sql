set local role artery_owner;

alter table artery.route
add column status_method text not null default 'GET',
add column status_path_template text,
add column accepted_path_template text,
add column status_interval interval not null default '5 seconds',
add column status_deadline interval not null default '1 hour',
add column status_done jsonpath,
add column status_failed jsonpath,
add column status_absent jsonpath,
add column status_overdue text not null default 'held',
-- squawk-ignore constraint-missing-not-valid
add constraint route_status_method_check check (status_method in ('GET', 'POST')),
-- squawk-ignore constraint-missing-not-valid
add constraint route_status_path_template_check check (
    status_path_template ~ '^/[^[:space:]?#]*(\?[^[:space:]#]*)?$'
),
-- squawk-ignore constraint-missing-not-valid
add constraint route_accepted_path_template_check check (
    accepted_path_template = '{location}'
    or accepted_path_template ~ '^/[^[:space:]?#]*(\?[^[:space:]#]*)?$'
),
-- squawk-ignore constraint-missing-not-valid
add constraint route_status_interval_check check (
    status_interval between interval '10 milliseconds' and interval '1 day'
),
-- squawk-ignore constraint-missing-not-valid
add constraint route_status_deadline_check check (status_deadline >= status_interval),
-- squawk-ignore constraint-missing-not-valid
add constraint route_status_overdue_check check (status_overdue in ('held', 'dead'));
comment on column artery.route.status_path_template is
'Where the receiver is asked what became of a call: after 202, and where an outcome is unknown and '
'the endpoint is not idempotent. Filled with {request_id}, {task_id}, {document_id}; null = nowhere';
comment on column artery.route.accepted_path_template is
'Where it is asked after 202 instead, if elsewhere: may also use the answer''s top-level keys, in '
'lower case ({id}), or be {location}, the answer''s Location header (under the base URL only)';
comment on column artery.route.status_method is 'Of the status call; its body is empty';
comment on column artery.route.status_interval is
'Between two questions; Retry-After and a failing status call make it longer';
comment on column artery.route.status_deadline is
'From the first answer or the lost call: a question that brings no decision later than this is the '
'last';
comment on column artery.route.status_done is
'Predicate on the JSON of a 2xx answer, such as $.state == "done": it took effect. Null = any 2xx '
'but 202 says so';
comment on column artery.route.status_failed is
'Predicate on the JSON of a 2xx answer: it was refused for good. Null = no answer says so';
comment on column artery.route.status_absent is
'Predicate on the JSON of a 2xx answer: the receiver never saw the request, as a 404 says. A call of '
'unknown outcome is then sent again';
comment on column artery.route.status_overdue is
'What a task becomes whose outcome is still open at the deadline: held for a person, or dead';

alter table artery.integration_task add column inquiry jsonb;
comment on column artery.integration_task.inquiry is
'Set while the receiver is asked what became of the call: the next claim gets that question and not '
'the request. why (accepted, in_doubt), method, path, until, absent_from, failed';

alter table artery.cloud_log add column status_query boolean not null default false;
comment on column artery.cloud_log.status_query is
'The call asked what became of the task; it did not send it';

alter table artery.sweep_step add column backend_pid integer;
comment on column artery.sweep_step.backend_pid is
'The server process that ran it last; artery.cancel_overdue_steps cancels there';

-- it comes back with another row type
-- squawk-ignore ban-drop-function
drop function if exists artery._permit(integer, integer, timestamptz);
