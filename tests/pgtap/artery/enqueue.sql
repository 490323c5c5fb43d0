begin;
select no_plan();
\ir _setup.psql

select t.endpoint('mes', '{"max_request_bytes": 100, "max_attempts": 7}') as mes \gset
update artery.route set priority = 3, notify_channel = 'mes_sync_channel' where topic = 'mes';

-- the row
select artery.enqueue_task('mes', '{"a": 1}', p_document_type => 'mo', p_document_id => 'MO-1',
    p_headers => '{"x-plant": "7"}', p_compensation => '{"undo": 1}') as id \gset
select results_eq(
    format('select status, priority::int, attempt, failures, max_attempts, method, path, content_type, body, document_type,
        document_id, queued, created_by = session_user, due_at <= clock_timestamp(), request_hash = sha256(
        convert_to(E''mes\nPOST\n/do\n{"a": 1}'', ''UTF8'')) from artery.integration_task where id = %s', :id),
    $$values ('pending', 3, 0, 0, 7, 'POST', '/do', 'application/json', '{"a": 1}', 'mo', 'MO-1', false, true, true, true)$$,
    'the request is frozen: path, bytes, hash, policy of its endpoint, priority of its route');
select bag_eq('select priority::int from artery.lane', 'values (3), (5)', 'a route opens its lane, and again when its priority changes');
select artery.enqueue_task('mes', '{}', p_priority => 0::smallint);
select bag_eq('select priority::int from artery.lane', 'values (0), (3), (5)', 'a task with a priority of its own opens one for it');
select is((t.task(artery.enqueue_task('mes', '{"b": 1}', p_raw_body => '{"b" :1, "b":2.0}'))).body, '{"b" :1, "b":2.0}', 'a raw body is sent as it stands');
select is((t.task(artery.enqueue_task('mes'))).body, null, 'no body is no body');
select cmp_ok((t.task(artery.enqueue_task('mes', p_due_at => '-infinity'))).due_at, '>', now() - interval '1 s',
    'a due time in the past is now');
select is((t.task(artery.enqueue_task('mes', p_due_at => '2999-01-01'))).due_at, '2999-01-01'::timestamptz, 'a later one is kept');

-- Request-ID
\set rid '''00000000-0000-0000-0000-00000000000a'''
select artery.enqueue_task('mes', '{"q": 1}', :rid, p_document_id => 'MO-9') as first \gset
select is(artery.enqueue_task('mes', '{"q":1}', :rid), :first::bigint, 'the same Request-ID and body give the first task');
select is((select count(*)::int from artery.integration_task where request_id = :rid), 1, '... and no second row');
select is(state, 'IN003', 'the same Request-ID with another body is a conflict')
from t.error($$select artery.enqueue_task('mes', '{"q": 2}', '00000000-0000-0000-0000-00000000000a')$$);
select matches(detail, 'MO-9', '... which names the first document')
from t.error($$select artery.enqueue_task('mes', '{"q": 2}', '00000000-0000-0000-0000-00000000000a')$$);
select t.endpoint('other');
select is(state, 'IN003', 'the same Request-ID on another topic is a conflict')
from t.error($$select artery.enqueue_task('other', '{"q": 1}', '00000000-0000-0000-0000-00000000000a')$$);

-- refusals, each with detail and hint
create temp table refused (name text, state text, call text);
insert into refused values
('unknown topic', 'IN001', $$select artery.enqueue_task('nope', '{}')$$),
('no topic at all', 'IN001', $$select artery.enqueue_task(null, '{}')$$),
('payload over its limit', 'IN002', $$select artery.enqueue_task('mes', to_jsonb(repeat('x', 99)))$$),
('payload over its limit in bytes, not characters', 'IN002', $$select artery.enqueue_task('mes', p_raw_body => repeat('ä', 51))$$),
('priority 10', 'IN014', $$select artery.enqueue_task('mes', '{}', p_priority => 10::smallint)$$),
('priority -1', 'IN014', $$select artery.enqueue_task('mes', '{}', p_priority => (-1)::smallint)$$),
('headers that are no object', 'IN014', $$select artery.enqueue_task('mes', '{}', p_headers => '[1]')$$),
('a due time that never comes', 'IN014', $$select artery.enqueue_task('mes', '{}', p_due_at => 'infinity')$$),
('a document id too long for an index', 'IN014',
    $$select artery.enqueue_task('mes', '{}', p_document_id => (select string_agg(md5(i::text), '') from generate_series(1, 400) as i))$$),
('an ordering key too long for an index', 'IN014',
    $$select artery.enqueue_task('mes', '{}', p_ordering_key => (select string_agg(md5(i::text), '') from generate_series(1, 400) as i))$$),
('a credential among the headers', 'IN008', $$select artery.enqueue_task('mes', '{}', p_headers => '{"Authorization": "Bearer x"}')$$);
select is(e.state, r.state, 'refused: ' || r.name) from refused as r, t.error(r.call) as e;
select isnt(coalesce(e.detail, ''), '', 'has a detail: ' || r.name) from refused as r, t.error(r.call) as e;
select isnt(coalesce(e.hint, ''), '', 'has a hint: ' || r.name) from refused as r, t.error(r.call) as e;
select unalike(e.detail, '%Bearer%', 'a refused credential is not in the error') from refused as r, t.error(r.call) as e
where r.state = 'IN008';
select lives_ok($$select artery.enqueue_task('mes', p_raw_body => '"' || repeat('ä', 49) || '"')$$, 'exactly the limit goes');

-- path parameters
insert into artery.route (topic, endpoint_id, path_template) values ('par', :mes, '/mo/{no}/op/{op}?plant={p}');
select is((t.task(artery.enqueue_task('par', p_path_params => '{"no": "A/B c?#%", "op": 10, "p": "ü&x=1"}'))).path,
    '/mo/A%2FB%20c%3F%23%25/op/10?plant=%C3%BC%26x%3D1', 'path parameters are percent-encoded, byte by byte');
select is((t.task(artery.enqueue_task('par', p_path_params => '{"no": "{op}", "op": "a.b~c_d-e", "p": "€𝄞"}'))).path,
    '/mo/%7Bop%7D/op/a.b~c_d-e?plant=%E2%82%AC%F0%9D%84%9E', 'a value is never taken for a template');
select is(state, 'IN010', 'a missing parameter is refused') from t.error($$select artery.enqueue_task('par', p_path_params => '{"no": 1, "op": 2}')$$);
select is(state, 'IN010', 'an empty parameter is refused') from t.error($$select artery.enqueue_task('par', p_path_params => '{"no": "", "op": 2, "p": 3}')$$);
select is(state, 'IN010', 'no parameters at all are refused') from t.error($$select artery.enqueue_task('par')$$);
select is(state, 'IN010', 'parameters that are no object are refused') from t.error($$select artery.enqueue_task('par', p_path_params => '[1]')$$);
select is(state, 'IN010', 'a parameter cannot climb out of its place in the path')
from t.error($$select artery.enqueue_task('par', p_path_params => '{"no": "..", "op": 2, "p": 3}')$$);
select is(state, 'IN010', 'nor by a single dot') from t.error($$select artery.enqueue_task('par', p_path_params => '{"no": 1, "op": ".", "p": 3}')$$);

-- the whole of it is one with the business transaction
savepoint business;
select artery.enqueue_task('mes', '{"gone": 1}');
rollback to business;
select is((select count(*)::int from artery.integration_task where body like '%gone%'), 0, 'rolled back with its transaction');

select * from finish();
rollback;
