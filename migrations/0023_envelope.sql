-- constraints on two short tables: a scan of them blocks nobody
-- squawk-ignore-file constraint-missing-not-valid
set local role artery_owner;

alter table artery.endpoint
add column envelope text not null default 'json',
add column event_source text,
add column problem_outcomes jsonb not null default '{}',
add constraint endpoint_envelope_check
check (envelope in ('json', 'cloudevents_binary', 'cloudevents_structured', 'xml')),
add constraint endpoint_event_source_check
check (event_source ~ '^[!-~]+$' and length(event_source) <= 500),
add constraint endpoint_problem_outcomes_check check (
    jsonb_typeof(problem_outcomes) = 'object' and not jsonb_path_exists(
        problem_outcomes,
        '$.* ? (!(@ == "sent" || @ == "failed" || @ == "dead" || @ == "held"))'
    )
);
comment on column artery.endpoint.envelope is
'Form of what is sent: json = the body as it is; cloudevents_binary = the same, with ce-* headers; '
'cloudevents_structured = within application/cloudevents+json; xml = its receiver demands XML, '
'given as p_raw_body';
comment on column artery.endpoint.event_source is
'CloudEvents source, a URI reference; null = urn:pg_artery: and the database''s name';
comment on column artery.endpoint.problem_outcomes is
'What the type of an application/problem+json answer means here, before status_outcomes: '
'{"https://a.example/problems/out-of-stock": "failed"}; values sent, failed, dead, held';

alter table artery.route
add column envelope text,
add column event_type text,
add column download text,
add column download_bytes bigint,
add constraint route_envelope_check
check (envelope in ('json', 'cloudevents_binary', 'cloudevents_structured', 'xml')),
add constraint route_event_type_check check (event_type ~ '^[!-~]{1,200}$'),
add constraint route_download_check check (
    download in ('pdf', 'ofd', 'xml', 'any') and download_bytes between 1 and 2147483648
    or download is null and download_bytes is null
);
comment on column artery.route.envelope is 'Where it differs from the endpoint''s; null = as there';
comment on column artery.route.event_type is 'CloudEvents type; null = the topic';
comment on column artery.route.download is
'The answer is a file, streamed into artery.attachment: pdf, ofd, xml (its content is checked for '
'that) or any; null = no download';
comment on column artery.route.download_bytes is
'Largest file that is taken; 256 MiB unless given';

alter table artery.integration_task
add column trace_id uuid,
add column download_bytes bigint;
-- squawk-ignore require-concurrent-index-creation
create index integration_task_trace_id_idx on artery.integration_task (trace_id)
where trace_id is not null;
comment on column artery.integration_task.trace_id is
'W3C trace of the business transaction, where artery.traceparent named one (headers holds the '
'whole); null = a trace of its own, whose id is the Request-ID';
comment on column artery.integration_task.download_bytes is
'Largest file that is taken as an answer; null = not a download';

alter table artery.cloud_log add column trace_id uuid;
comment on column artery.cloud_log.trace_id is
'W3C trace id that was sent; span_id is the call''s span in it';

-- comes back with another row type
-- squawk-ignore ban-drop-function
drop function if exists artery.claim_tasks(bigint, integer, interval, integer[]);
