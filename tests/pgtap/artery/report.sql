begin;
select no_plan();
\ir _setup.psql
select t.runner() as r1 \gset
select t.runner() as r2 \gset
select t.endpoint('ok', '{"logged_body_bytes": 5}') as ok \gset
select t.endpoint('strict', '{"idempotent": false}') as strict \gset

-- a success and its log
select artery.enqueue_task('ok', '{"body": "long"}') as a \gset
select t.claim(:r1);
select is(t.report(:r1, t.result(:a, 201, '{"span_id": "00000000000000ff", "peer": "192.0.2.7:443", "retry_after": null}')),
    '{"applied": 1, "stale": [], "handler_failed": [], "hold": []}', 'a report says what it did');
select results_eq(format('select status, status_code, failures, attempt, error_class, error, locked_until, ended_at is not null,
    duration >= ''0''::interval, history from artery.integration_task where id = %s', :a),
    $$values ('sent', 201, 0, 1, null::text, null::jsonb, null::timestamptz, true, true, null::jsonb)$$,
    'a 2xx ends the task as sent');
select results_eq(format('select attempt, span_id, runner_id, topic, endpoint_id, method, url, request_body, request_bytes, status_code,
    response_body, response_hash = sha256(''{"ok": true}''), outcome, stale, peer, request_hash = (t.task(%s)).request_hash,
    called_at between clock_timestamp() - interval ''1 s'' and clock_timestamp() from artery.cloud_log where task_id = %1$s', :a),
    format($$values (1, '00000000000000ff', %s::bigint, 'ok', %s, 'POST', 'https://x.example/v1/do', '{"bod', 16, 201, '{"ok"', true,
    'sent', false, '192.0.2.7:443', true, true)$$, :r1, :ok),
    'every call is in the cloud log, bodies cut, hashes over the whole');

-- classes
create temp table class (name text, answer jsonb, status text, failures int, error_class text, strict text);
insert into class values
('200', '{"status_code": 200}', 'sent', 0, null, 'sent'),
('202', '{"status_code": 202}', 'sent', 0, null, 'sent'),
('204', '{"status_code": 204, "response_body": null}', 'sent', 0, null, 'sent'),
('301', '{"status_code": 301}', 'dead', 1, 'redirect', 'dead'),
('400', '{"status_code": 400}', 'dead', 1, 'refused', 'dead'),
('404', '{"status_code": 404}', 'dead', 1, 'refused', 'dead'),
('409', '{"status_code": 409}', 'dead', 1, 'refused', 'dead'),
('408', '{"status_code": 408}', 'failed', 1, 'retryable', 'failed'),
('425', '{"status_code": 425}', 'failed', 1, 'retryable', 'failed'),
('429', '{"status_code": 429}', 'failed', 1, 'retryable', 'failed'),
('500', '{"status_code": 500}', 'failed', 1, 'retryable', 'held'),
('599', '{"status_code": 599}', 'failed', 1, 'retryable', 'held'),
('dns', '{"error_kind": "dns"}', 'failed', 0, 'own_fault', 'failed'),
('proxy', '{"error_kind": "proxy"}', 'failed', 0, 'own_fault', 'failed'),
('egress', '{"error_kind": "egress"}', 'failed', 0, 'own_fault', 'failed'),
('token', '{"error_kind": "token"}', 'failed', 0, 'own_fault', 'failed'),
('secret', '{"error_kind": "secret"}', 'failed', 0, 'own_fault', 'failed'),
('connect', '{"error_kind": "connect"}', 'failed', 1, 'unreachable', 'failed'),
('tls', '{"error_kind": "tls"}', 'failed', 1, 'unreachable', 'failed'),
('timeout', '{"error_kind": "timeout"}', 'failed', 1, 'unknown_outcome', 'held'),
('reset', '{"error_kind": "reset"}', 'failed', 1, 'unknown_outcome', 'held'),
('protocol', '{"error_kind": "protocol"}', 'failed', 1, 'unknown_outcome', 'held'),
('interrupted', '{"error_kind": "interrupted"}', 'failed', 1, 'unknown_outcome', 'held'),
('200 cut off', '{"status_code": 200, "error_kind": "reset"}', 'failed', 1, 'unknown_outcome', 'held'),
('a kind of tomorrow', '{"error_kind": "newfangled"}', 'failed', 1, 'unknown_outcome', 'held'),
('neither status nor kind', '{}', 'failed', 1, 'unknown_outcome', 'held'),
('too large', '{"status_code": 200, "error_kind": "too_large"}', 'dead', 1, 'too_large', 'dead'),
('bad request', '{"error_kind": "bad_request"}', 'dead', 1, 'bad_request', 'dead');
select artery.enqueue_task('ok', p_document_id => name) from class;
select artery.enqueue_task('strict', p_document_id => name) from class;
select t.claim(:r1, 1000);
select artery.report_results(:r1, jsonb_agg(t.result(x.id, null, c.answer)))
from artery.integration_task as x inner join class as c on c.name = x.document_id;
select results_eq(format('select status, failures, error_class from artery.integration_task where topic = ''ok'' and document_id = %L', c.name),
    format('values (%L, %s, %L)', c.status, c.failures, c.error_class), c.name || ' -> ' || c.status || coalesce(', ' || c.error_class, '')) from class as c;
select results_eq(format('select status from artery.integration_task where topic = ''strict'' and document_id = %L', c.name),
    format('values (%L)', c.strict), 'without idempotency: ' || c.name || ' -> ' || c.strict) from class as c;
select is((select count(*)::int from artery.cloud_log where task_id > :a), 2 * (select count(*)::int from class), 'each call has one row in the log');
select is((select history -> 0 ->> 'error_class' from artery.integration_task where topic = 'ok' and document_id = '500'), 'retryable',
    'a failed attempt is in the task''s history');
update artery.endpoint set retryable_statuses = '{409}' where id = :ok;
select artery.enqueue_task('ok') as conflict \gset
select t.claim(:r1);
select t.report(:r1, t.result(:conflict, 409));
select is(t.status(:conflict), 'failed', 'an endpoint says itself which statuses are worth another try');

-- the fence
select artery.enqueue_task('ok') as f \gset
select t.claim(:r1);
select is(t.report(:r2, t.result(:f, 200)) -> 'stale', jsonb_build_array(:f), 'another runner''s report is stale');
select is(t.status(:f), 'processing', '... and changes nothing');
select is(t.report(:r1, t.result(:f, 200, p_attempt => 2)) ->> 'applied', '0', 'nor does one of another attempt');
select is(t.report(:r1, t.result(:f, 200, p_attempt => 0)) ->> 'applied', '0', 'nor one of an earlier attempt');
select is(t.status(:f), 'processing', '... nothing at all');
select is((select count(*)::int from artery.cloud_log where task_id = :f and stale), 3, 'but the calls were made, and are logged as stale');
select t.result(:f, 200) as same \gset
select is(t.report(:r1, :'same') ->> 'applied', '1', 'the owner''s report is applied');
select is(t.report(:r1, :'same'), format('{"applied": 0, "stale": [%s], "handler_failed": [], "hold": []}', :f)::jsonb, 'the same report again changes nothing');
select is((select count(*)::int from artery.cloud_log where task_id = :f and not stale), 1, '... and logs nothing twice');
select is((select count(*)::int from artery.cloud_log where task_id = :f), 4, '... neither as stale');
select t.result(:f, 500, p_attempt => 1) as stale \gset
select t.report(:r1, :'stale'), t.report(:r1, :'stale');
select is((select count(*)::int from artery.cloud_log where task_id = :f), 5, 'a stale report is logged once, however often it comes');
select is(t.status(:f), 'sent', 'a stale failure does not bring a sent task back');
-- released and claimed again: the old attempt's report finds the new lease
select artery.enqueue_task('ok') as g \gset
select t.claim(:r1);
select artery.release_leases(:r1, array[:g], array[1]);
select is(t.report(:r1, t.result(:g, 200, p_attempt => 1)) ->> 'applied', '0', 'a report after the release is stale');
select t.claim(:r1);
select is(t.report(:r1, t.result(:g, 200, p_attempt => 1)) ->> 'applied', '0', '... also once the same runner has it again');
select is(t.status(:g), 'processing', '... which still has it');
select t.report(:r1, t.result(:g, 200));
select is(t.report(:r1, t.result(999999, 200, p_attempt => 1)) -> 'stale', '[999999]', 'a task that is gone is stale');
select is(artery.report_results(:r1, '[]'), '{"applied": 0, "stale": [], "handler_failed": [], "hold": []}', 'an empty report is none');

-- poison: one bad answer must not take its batch along
create temp table poison (name text, more jsonb);
insert into poison values
('a number too large for a number', '{"response_body": "1e1000000"}'),
('an escaped NUL', '{"response_body": "{\"a\": \"\\u0000\"}"}'),
('half a surrogate', '{"response_body": "\"\\ud800\""}'),
('no JSON', '{"response_body": "<html>"}'),
('empty', '{"response_body": ""}'),
('deep', jsonb_build_object('response_body', repeat('[', 100000))),
('no body', '{"response_body": null}'),
('no url', '{"url": null}'),
('no span', '{"span_id": null}'),
('no time', '{"ago_ms": null}'),
('an absurd time', '{"ago_ms": 1e300}'),
('a time ahead', '{"ago_ms": -1e9}'),
('an absurd Retry-After', '{"status_code": 503, "retry_after": "99999999999999999999999"}'),
('a Retry-After of rubbish', '{"status_code": 503, "retry_after": "Sun, 99 Foo 1994 08:49:37 GMT"}'),
('a Retry-After in other digits', '{"status_code": 503, "retry_after": "١٢٣"}');
create function t.handler(jsonb) returns void language sql as 'select 1';
update artery.route set reply_handler = 't.handler(jsonb)' where topic = 'ok';
select artery.enqueue_task('ok', p_document_id => 'p:' || name) from poison;
select t.claim(:r1, 1000);
select lives_ok(format('select t.report(%s, t.result(%s, 200, %L))', :r1, x.id, p.more), 'survives ' || p.name)
from poison as p inner join artery.integration_task as x on x.document_id = 'p:' || p.name;
select is((select count(*)::int from artery.integration_task where document_id like 'p:%' and status not in ('sent', 'failed')), 0, 'and all are recorded');
select is((select count(*)::int from artery.cloud_log where task_id in (select id from artery.integration_task where document_id like 'p:%')
    and called_at between clock_timestamp() - interval '1 minute' and clock_timestamp()), (select count(*)::int from poison), 'and logged, at a time that can be');

-- days
delete from artery.rate_limiter;
select artery.enqueue_task('ok') as night \gset
select t.claim(:r1);
select is(t.report(:r1, t.result(:night, 200, '{"ago_ms": 80000000}')) ->> 'applied', '1', 'a call that began yesterday finds its partition');
select is((select count(*)::int from artery.cloud_log where task_id = :night and called_at < clock_timestamp() - interval '22 hours'), 1, '... and keeps its time');
select artery.enqueue_task('ok') as bare \gset
do $$ declare v text; begin
    for v in select inhrelid::regclass::text from pg_inherits where inhparent = 'artery.cloud_log'::regclass loop execute 'drop table ' || v; end loop;
end $$;
select t.claim(:r1);
select is(t.report(:r1, t.result(:bare, 200)) ->> 'applied', '1', 'a missing partition of the log is made on the way');

select * from finish();
rollback;
