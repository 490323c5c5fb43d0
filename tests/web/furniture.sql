-- Two endpoints, an hour of calls, tasks of every status, a saga that waits for a person
insert into artery.endpoint (name, base_url) values ('plm', 'https://plm.example/api/v2');
insert into artery.route (topic, endpoint_id, path_template)
select 'plm.change', id, '/changes' from artery.endpoint where name = 'plm';
select artery.enqueue_task(
    case when n % 3 = 0 then 'plm.change' else 'tax.invoice' end,
    jsonb_build_object('invoice', 'INV-' || n, 'total', 119.90, 'buyer', '无锡泵业有限公司'),
    p_document_type => 'invoice', p_document_id => 'INV-2026-' || n
) from generate_series(1, 60) as n;
set session_replication_role = replica;
update artery.integration_task as t set
    status = x.status, attempt = 1, failures = 1, started_at = t.created_at,
    ended_at = case when x.status in ('dead', 'sent') then now() end,
    status_code = case when x.status = 'sent' then 200 else 422 end,
    error_class = case when x.status <> 'sent' then 'rejected' end,
    error = case when x.status <> 'sent' then '{"answer": "the buyer''s tax number is missing"}'::jsonb end,
    history = case when x.status <> 'sent' then jsonb_build_array(jsonb_build_object(
        'at', now(), 'action', 'retry', 'by', 'artery_page', 'reason', 'Li Wei: number added')) end
from (
    select id, (array['sent','sent','sent','dead','sent','held','failed','pending'])[1 + id % 8] as status
    from artery.integration_task
) as x
where x.id = t.id and x.status <> 'pending';
set session_replication_role = origin;
insert into artery.cloud_log (
    called_at, task_id, attempt, span_id, runner_id, topic, endpoint_id, request_id, method, url,
    request_headers, request_body, request_bytes, request_hash, status_code, response_headers,
    response_body, response_bytes, outcome, error, peer, dns_ms, connect_ms, tls_ms, first_byte_ms, total_ms
)
select
    now() - n * n * interval '1 second', t.id, 1, '0123456789abcdef', 1, t.topic, t.endpoint_id,
    t.request_id, 'POST', 'https://tax.example/v1/issue',
    '{"content-type": "application/json", "authorization": "***"}', t.body, length(t.body), '\x00',
    t.status_code, '{"content-type": "application/problem+json"}',
    '{"title": "Unprocessable", "detail": "the buyer''s tax number is missing"}', 60,
    case when t.status = 'sent' then 'sent' else 'dead' end, null, '203.0.113.7', 1, 12.5, 30, 80, 40 + n
from artery.integration_task as t
cross join generate_series(1, 59) as n
where t.attempt = 1 and t.id % 4 = n % 4;
insert into artery.runner (name, host, pid, version) values ('runner-1', 'erp-app-1', 4711, '0.1.0');
insert into artery.saga (name, version, context, document_type, document_id, attention, key, history)
values ('invoice.cancel', 1, '{}', 'invoice', 'INV-2026-3', '{}', 'INV-2026-3', jsonb_build_array(
    jsonb_build_object('at', now(), 'who', 'erp', 'event', 'started'),
    jsonb_build_object('at', now(), 'who', 'runner 1', 'event', 'unknown', 'step', 'cancel at the tax office')));
insert into artery.saga_step_run (saga_id, position, name, plan, status, task_id, error) values
(1, 1, 'reserve credit', '{"function": "erp.reserve_credit", "undo_function": "erp.free_credit"}', 'done', null, null),
(1, 2, 'cancel at the tax office', '{"topic": "tax.invoice", "undo_topic": "tax.invoice"}', 'unknown', 5,
    '{"message": "no answer within 30 s"}'),
(1, 3, 'post the credit note', '{"function": "erp.post_credit"}', 'waiting', null, null);
