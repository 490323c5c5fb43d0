-- What is frozen at enqueue: envelope, trace; how problem+json and 409 are read; what is kept out of the log
begin;
set client_min_messages = error;
\ir _setup.psql
select no_plan();
select t.runner() as r \gset
select t.endpoint('plain') as plain \gset
select t.endpoint('binary'), t.endpoint('structured'), t.endpoint('xml');
update artery.endpoint set envelope = 'cloudevents_' || name where name in ('binary', 'structured');
update artery.endpoint set envelope = 'xml' where name = 'xml';

-- CloudEvents
\set rid '''00000000-0000-4000-8000-00000000000b'''
select artery.enqueue_task('structured', '{"n": 1, "text": "Größe \" }"}', :rid, 'mo', 'MO 1', p_headers => '{"x-plant": "7"}') as id \gset
select (t.task(:id)).body as event, (t.task(:id)).content_type as type \gset
select is(:'type'::text, 'application/cloudevents+json; charset=utf-8', 'a structured event has its own content type');
select is(:'event'::jsonb - 'time', jsonb_build_object(
    'specversion', '1.0', 'id', :rid::uuid, 'source', 'urn:pg_artery:' || current_database(), 'type', 'structured', 'subject', 'mo/MO 1',
    'datacontenttype', 'application/json', 'data', '{"n": 1, "text": "Größe \" }"}'::jsonb), 'its id is the Request-ID, its data the body');
select is(abs(extract(epoch from (:'event'::jsonb ->> 'time')::timestamptz - (t.task(:id)).created_at)) < 1, true, 'its time is that of its creation');
select is((t.task(:id)).headers, '{"x-plant": "7"}', 'the task''s own headers stay');
select is(artery.enqueue_task('structured', '{"n": 1, "text": "Größe \" }"}', :rid), :id::bigint, 'the same Request-ID and body are the same event');
select is(state, 'IN003', '... another body is none') from t.error($$select artery.enqueue_task('structured', '{"n": 2}', '00000000-0000-4000-8000-00000000000b')$$);
select t.claim(:r);
select t.report(:r, t.result(:id, 503));
select t.make_due();
select is((select c.body from artery.claim_tasks(:r) as c where c.id = :id), :'event', 'a retry has the same bytes');
select is((t.task(artery.enqueue_task('structured', p_raw_body => '{"a":1.0, "a":2}'))).body like '%, "data": {"a":1.0, "a":2}}', true, 'raw JSON keeps its bytes in the event');
select is((t.task(artery.enqueue_task('structured'))).body::jsonb ? 'data', false, 'an event without a body has no data');

update artery.endpoint set event_source = 'https://erp.example/plant/1' where name = 'binary';
update artery.route set event_type = 'com.example.mo.released' where topic = 'binary';
select artery.enqueue_task('binary', '{"n": 1}', p_document_type => 'mo', p_document_id => 'MO "1" 100% €ü') as id \gset
select is((t.task(:id)).headers - 'ce-time', jsonb_build_object('ce-specversion', '1.0', 'ce-id', (t.task(:id)).request_id, 'ce-source', 'https://erp.example/plant/1',
    'ce-type', 'com.example.mo.released', 'ce-subject', 'mo/MO%20%221%22%20100%25%20%E2%82%AC%C3%BC'), 'a binary event is in the headers, percent-encoded');
select is((t.task(:id)).body, '{"n": 1}', '... and its body as it was');
select is((t.task(:id)).content_type, 'application/json', '... with its content type');
update artery.route set envelope = 'json' where topic = 'binary';
select is((t.task(artery.enqueue_task('binary', '{"n": 1}'))).headers, null, 'a route may send plain JSON for all that');
update artery.route set method = 'GET' where topic = 'structured';
select is((t.task(artery.enqueue_task('structured'))).body, null, 'a GET has no envelope');

-- XML where the endpoint says so, JSON everywhere else
select results_eq($$select x.body, x.content_type from t.task(artery.enqueue_task('xml', p_raw_body => E'\n<mo no="1"/>')) as x$$,
    $$values (E'\n<mo no="1"/>', 'application/xml')$$, 'XML goes to an endpoint that demands it, as it stands');
create temp table refused (name text, call text);
insert into refused values
('JSON to an XML receiver', $$select artery.enqueue_task('xml', '{"n": 1}')$$),
('text to an XML receiver', $$select artery.enqueue_task('xml', p_raw_body => 'n=1')$$),
('XML to a JSON receiver', $$select artery.enqueue_task('plain', p_raw_body => '<mo/>')$$),
('XML in an event', $$select artery.enqueue_task('binary', p_raw_body => ' <mo/>')$$),
('broken JSON', $$select artery.enqueue_task('plain', p_raw_body => '{"n": 1')$$);
select is(e.state, 'IN026', 'refused: ' || r.name) from refused as r, t.error(r.call) as e;
select is(e.hint <> '' and e.detail <> '', true, 'says what to do: ' || r.name) from refused as r, t.error(r.call) as e;
update artery.route set content_type = 'text/csv' where topic = 'plain';
select is((t.task(artery.enqueue_task('plain', p_raw_body => 'a;b'))).body, 'a;b', 'what is neither is the route''s to say');
update artery.route set content_type = 'application/xml' where topic = 'plain';
select is(state, 'IN026', 'a route''s content type alone makes no XML receiver') from t.error($$select artery.enqueue_task('plain', p_raw_body => 'x')$$);
update artery.route set content_type = 'application/json' where topic = 'plain';
select throws_ok($$update artery.endpoint set envelope = 'soap'$$, '23514', null, 'an unknown envelope is refused');
select throws_ok($$update artery.endpoint set event_source = 'a b'$$, '23514', null, 'a source with a space is refused');

-- the trace
select is((t.task(artery.enqueue_task('plain', '{}'))).trace_id, null, 'without a setting a task begins its own trace');
set local artery.traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';
select artery.enqueue_task('plain', '{}') as id \gset
select is((t.task(:id)).trace_id, '0af7651916cd43dd8448eb211c80319c'::uuid, 'the setting''s trace goes on');
select is((t.task(:id)).headers ->> 'traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00', '... with its parent and flags');
set local artery.traceparent = 'cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future-brings';
select is((t.task(artery.enqueue_task('plain', '{}'))).headers ->> 'traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'a later version is read as far as it is known');
select is((t.task(artery.enqueue_task('plain', '{}', p_headers => '{"traceparent": "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "a": "b"}'))).trace_id,
    '1af7651916cd43dd8448eb211c80319c'::uuid, 'one given with the task comes first');
create temp table malformed (parent text);
insert into malformed values ('x'), ('00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01'), ('00-00000000000000000000000000000000-b7ad6b7169203331-01'),
('00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01'), ('ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'),
('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x'), ('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1'),
('01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01x'), (E'00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\n');
select is(x.trace_id is null and x.headers is null, true, format('malformed, ignored: %L', parent))
from malformed, lateral (select set_config('artery.traceparent', parent, true) as s offset 0) as s, t.task(artery.enqueue_task('plain', jsonb_build_object('s', s))) as x;
set local artery.traceparent = '';
select artery.enqueue_task('plain', '{}') as own \gset
select t.claim(:r);
select t.report(:r, t.result(:id, 200), t.result(:own, 200));
select is((select l.trace_id from artery.cloud_log as l where l.task_id = :id), '0af7651916cd43dd8448eb211c80319c'::uuid, 'the log has the trace');
select is((select l.trace_id = l.request_id from artery.cloud_log as l where l.task_id = :own), true, '... whose id is the Request-ID where it is the task''s own');

-- RFC 9457
select t.endpoint('prob') as prob \gset
update artery.endpoint set problem_outcomes = '{"https://p.example/busy": "failed", "about:blank": "held"}', status_outcomes = '{"422": "sent"}' where id = :prob;
create function t.answer(p_status integer, p_body text, p_type text default 'application/problem+json; charset=utf-8', p_more jsonb default '{}')
returns artery.integration_task language plpgsql as $$
declare
    v_id bigint := artery.enqueue_task('prob', '{}');
    v_runner bigint := t.runner();
begin
    perform t.claim(v_runner, 1000);
    perform t.report(v_runner, t.result(v_id, p_status, jsonb_build_object('response_headers', jsonb_build_object('content-type', p_type), 'response_body', p_body) || p_more));
    return t.task(v_id);
end $$;
select results_eq($$select a.status, a.error -> 'problem', a.error ->> 'message' from t.answer(422,
    '{"type": "https://p.example/busy", "title": "Busy", "detail": "Try at 5.", "status": 422, "balance": 30}') as a$$,
    $$values ('failed', '{"type": "https://p.example/busy", "title": "Busy", "detail": "Try at 5.", "status": 422}'::jsonb, 'Busy: Try at 5.')$$,
    'type, title and detail are kept, and the type decides before the status');
select is((t.answer(422, '{"type": "https://p.example/other"}')).status, 'sent', 'another type leaves it to the status');
select is((t.answer(400, '{"title": 5}')).status, 'held', 'no type is about:blank');
select is((t.answer(400, '{"title": "x"}', 'application/json')).status, 'dead', 'JSON of another content type is no problem');
select results_eq($$select a.status, a.error -> 'problem' from t.answer(400, 'not json') as a$$, $$values ('dead', null::jsonb)$$, 'what does not parse is left alone');
select is((t.answer(400, '[1]')).status, 'dead', '... as is an array');
select is((t.answer(200, '{"type": "https://p.example/busy"}')).status, 'sent', 'a success is a success');
select throws_ok($$update artery.endpoint set problem_outcomes = '{"x": "perhaps"}'$$, '23514', null, 'an unknown outcome is refused');

-- Idempotency-Key: 409 = the call before is still being worked on
select artery.enqueue_task('plain', '{}') as id \gset
select t.claim(:r); select t.report(:r, t.result(:id, 409));
select is(t.status(:id), 'dead', 'a 409 at the first attempt cannot mean the one before');
select artery.enqueue_task('plain', '{}') as id \gset
select t.claim(:r); select t.report(:r, t.result(:id, null, '{"error_kind": "timeout"}'));
select t.make_due(); select t.claim(:r); select t.report(:r, t.result(:id, 409));
select is(t.status(:id), 'failed', 'a 409 at a later one does: it is sent again, unchanged');
select t.make_due(); select t.claim(:r); select t.report(:r, t.result(:id, 422));
select is(t.status(:id), 'dead', '422, the key reused, is final');
select t.endpoint('once', '{"idempotent": false}');
update artery.route set method = 'GET' where topic = 'once';
select artery.enqueue_task('once') as id \gset
select t.claim(:r); select t.report(:r, t.result(:id, null, '{"error_kind": "timeout"}'));
select is(t.status(:id), 'failed', 'a GET whose outcome is unknown may be made again, whatever the endpoint');

-- what the log must not show
create temp table shape (text text, secret text);
insert into shape values
('{"token": "s3cr3t.1", "n": 1}', 's3cr3t'), ('{"Client_Secret":"s3\"cr3t"}', 'cr3t'), ('{"x":{"dbPassword" : "s3cr3t"}}', 's3cr3t'), ('{"api-key":"s3cr3t', 's3cr3t'),
('{"inner": "{\"access_token\":\"s3\\\"cr3t\", \"n\": 1}"}', 'cr3t'), ('<a:password a="1">s3cr3t</a:password>', 's3cr3t'), ('grant=x&client_assertion=s3cr3t&n=1', 's3cr3t'),
('Bearer s3cr3t-12345', 's3cr3t'), ('basic dXNlcjpwdw==x', 'dXNl'), ('eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.s3cr3t', 's3cr3t'), ('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'MfKQ'),
(E'k: -----BEGIN EC PRIVATE KEY-----\ns3cr3t\n-----END EC PRIVATE KEY----- n', 's3cr3t'), ('-----BEGIN PRIVATE KEY-----\ns3cr3t cut', 's3cr3t'),
('{"card_number": "4111111111111111", "cvv": 123}', '123'), ('sk_live_abcdefghijkl', 'abcdefgh'), ('AKIAABCDEFGHIJKLMNOP', 'ABCD'), ('ghp_abcdefghijklmnopqrst', 'abcd');
select unalike(artery._redacted(text), '%' || secret || '%', 'taken out of ' || text) from shape;
select alike(artery._redacted(text), '%[redacted]%', '... and said') from shape;
create temp table harmless (text text);
insert into harmless values ('{"invoice_no": "24312000000012345678", "order": "4111111111111111"}'), ('{"tokens": 5, "secretary": "Ann", "keyboard": "k1"}'), ('{"author": "Basic Ltd"}'),
('<no>24312000000012345678</no>'), ('a=1&code=PUMP&key=MO-1'), ('{"authorization_no": "A1"}'), ('{"primary_key": "17"}'), ('');
select is(artery._redacted(text), text, 'left alone: ' || text) from harmless;
select artery.enqueue_task('plain', '{"password": "s3cr3t", "n": 1}') as id \gset
select t.claim(:r);
select t.report(:r, t.result(:id, 400, '{"response_body": "{\"token\": \"s3cr3t\"}", "url": "https://x.example/v1/do?sig=s3cr3t", "error": "Bearer s3cr3t-s3cr3t"}'));
select unalike(l::text, '%s3cr3t%', 'bodies, URL and error in the log are clean') from artery.cloud_log as l where l.task_id = :id;
select unalike(x.error::text || x.history, '%s3cr3t%', 'so are the task''s error and history') from artery.integration_task as x where x.id = :id;
select t.report(:r, t.result(:id, 400, '{"response_body": "{\"token\": \"s3cr3t\"}", "url": "https://x.example/v1/do?sig=s3cr3t", "error": "Bearer s3cr3t-s3cr3t", "attempt": 9}'));
select results_eq(format($$select count(*)::integer, bool_or(l::text like '%%s3cr3t%%') from artery.cloud_log as l where l.task_id = %s and l.stale$$, :id), $$values (1, false)$$, 'and what is logged as stale');

select * from finish();
rollback;
