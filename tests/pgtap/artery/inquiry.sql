-- What became of it? 202 and unknown outcomes: asked, never sent again blindly
begin;
set client_min_messages = warning;
\ir _setup.psql
select no_plan();

select t.runner() as r \gset
create table t.heard (reply jsonb);
create function t.hear(p_reply jsonb) returns void language sql as $$ insert into t.heard values (p_reply) $$;
grant usage on schema t to artery_owner;
grant insert on t.heard to artery_owner;

-- an endpoint that may not be called twice, and one that may; both say where to ask
create function t.asked(p_name text, p_settings jsonb default '{}') returns integer language plpgsql as $$
declare
    v_id integer := t.endpoint(p_name, p_settings || '{"max_attempts": 3}');
begin
    update artery.route
    set status_path_template = '/status/{request_id}', reply_handler = 't.hear(jsonb)',
        status_done = '$.state == "done"', status_failed = '$.state == "failed"', status_absent = '$.state == "none"'
    where topic = p_name;
    return v_id;
end $$;
select t.asked('once', '{"idempotent": false}') as once \gset
select t.asked('often') as often \gset

-- one task of a topic, claimed; what the runner was given
create function t.go(p_runner bigint, p_topic text) returns bigint language plpgsql as $$
declare
    v_id bigint := artery.enqueue_task(p_topic, '{"n": 1}', p_document_id => 'D 1');
begin
    perform t.claim(p_runner);
    return v_id;
end $$;
-- the answer to the question that is due; what the task is then
create function t.ask(p_runner bigint, p_id bigint, p_status integer, p_body text default '{}', p_more jsonb default '{}')
returns text language plpgsql as $$
begin
    update artery.integration_task set due_at = clock_timestamp() where id = p_id;
    perform set_config('artery.claim_cursor', '', false);
    perform t.claim(p_runner);
    perform t.report(p_runner, t.result(p_id, p_status, jsonb_build_object('response_body', p_body) || p_more));
    return (select concat_ws(' ', status, error_class, case when inquiry is not null then 'asked' end)
        from artery.integration_task where id = p_id);
end $$;
-- brings the moments of an inquiry to now
create function t.pass(p_id bigint, p_name text) returns void language sql as $$
    update artery.integration_task set inquiry = inquiry || jsonb_build_object(p_name, clock_timestamp()) where id = p_id
$$;

-- 202
select t.go(:r, 'often') as a \gset
select t.report(:r, t.result(:a, 202));
select results_eq(format('select status, failures, error_class, inquiry ->> ''why'', inquiry ->> ''method'', inquiry ->> ''path'',
    due_at - clock_timestamp() between ''4 s'' and ''5 s'', inquiry ->> ''until'' > (now() + ''59 min'')::text
    from artery.integration_task where id = %s', :a),
    format($$values ('failed', 0, 'accepted', 'accepted', 'GET', '/status/%s', true, true)$$, (t.task(:a)).request_id),
    'a 202 is no end where its route says where to ask: a question is due');
select is_empty('select from t.heard', 'the reply handler is not told yet');
select t.make_due();
create temp table asked as select * from artery.claim_tasks(:r);
select results_eq('select id, method, path, body from asked',
    format($$values (%s::bigint, 'GET', '/status/%s', null::text)$$, :a, (t.task(:a)).request_id), 'the next claim gets the question');
select isnt((select request_id from asked), (t.task(:a)).request_id, '... under a Request-ID of its own: it is no repetition');
select is((select split_part(headers ->> 'traceparent', '-', 2) from asked), replace((t.task(:a)).request_id::text, '-', ''),
    '... in the same trace');
select t.report(:r, t.result(:a, 200, '{"response_body": "{\"state\": \"running\"}", "retry_after": "77"}'));
select is(t.status(:a), 'failed', 'not done: asked again');
select ok((t.task(:a)).due_at between clock_timestamp() + interval '76 s' and clock_timestamp() + interval '77 s', '... when Retry-After says');
select is(t.ask(:r, :a, 202), 'failed accepted asked', 'another 202 says the same');
select t.pass(:a, 'absent_from');
select is(t.ask(:r, :a, 404), 'failed accepted asked', 'what it has accepted it has not forgotten: a 404 decides nothing');
select is(t.ask(:r, :a, 503), 'failed retryable asked', 'a question may fail');
select is(t.ask(:r, :a, null, '', '{"error_kind": "dns"}'), 'failed own_fault asked', '... by our own fault too');
select ok((t.task(:a)).due_at > clock_timestamp() + interval '19 s', '... and is put off for longer each time');
select is((t.task(:a)).failures, 0, 'none of it costs an attempt');
select is((select count(*)::int from jsonb_array_elements((t.task(:a)).history)), 2, 'questions in a row are one entry of the history');
select is((t.task(:a)).history -> -1 -> 'asked', '5', '... which counts them');
select is(t.ask(:r, :a, 200, '{"state": "done", "no": "INV-7"}'), 'sent', 'then it is done');
select results_eq('select reply ->> ''outcome'', reply -> ''body'' ->> ''no'' from t.heard', $$values ('sent', 'INV-7')$$,
    'and the reply handler gets the answer that says so, once');
select results_eq(format('select method, status_query, request_body is null, request_id = %L, outcome from artery.cloud_log
    where task_id = %s order by called_at, span_id', (t.task(:a)).request_id, :a),
    $$values ('POST', false, false, true, 'failed'), ('GET', true, true, true, 'failed'), ('GET', true, true, true, 'failed'), ('GET', true, true, true, 'failed'),
        ('GET', true, true, true, 'failed'), ('GET', true, true, true, 'failed'), ('GET', true, true, true, 'sent')$$, 'each question is in the log, and told from sending');
select is((select count(*)::int from artery.cloud_log where task_id = :a and not status_query), 1, 'it was sent once');

truncate t.heard;
select t.go(:r, 'often') as b \gset
select t.report(:r, t.result(:b, 202));
select is(t.ask(:r, :b, 200, '{"state": "failed"}'), 'dead refused', 'or refused for good');
select is((select reply ->> 'outcome' from t.heard), 'dead', '... as its handler is told');

-- the deadline
select t.go(:r, 'often') as c \gset
select t.report(:r, t.result(:c, 202));
select t.pass(:c, 'until');
select is(t.ask(:r, :c, null, '', '{"error_kind": "dns"}'), 'failed own_fault asked', 'a question that did not get out is not the last');
select is(t.ask(:r, :c, 200, '{"state": "running"}'), 'held overdue', 'at the deadline: held for a person');
select throws_ok(format('select artery.resolve_task(%s, ''sent'', '''')', :c), 'IN014', null, 'who says why');
select throws_ok(format('select artery.resolve_task(%s, ''lost'', ''x'')', :c), 'IN014', null, '... and what');
select throws_ok(format('select artery.resolve_task(%s, null, ''x'')', :c), 'IN014', null, '... in a word');
select artery.resolve_task(:c, 'ask', 'receiver is back');
select ok((t.task(:c)).status = 'pending' and (t.task(:c)).inquiry is not null, 'a person may have it asked once more');
select throws_ok(format('select artery.resolve_task(%s, ''sent'', ''x'')', :c), 'IN006', null, 'only what is held is resolved');
select t.pass(:c, 'until');
select is(t.ask(:r, :c, 500), 'held overdue', '... held again');
truncate t.heard;
select artery.resolve_task(:c, 'sent', 'asked by telephone', '{"no": "INV-9"}');
select is(t.status(:c), 'sent', 'or say that it took effect');
select is((select reply -> 'body' ->> 'no' from t.heard), 'INV-9', '... with the answer');
update artery.route set status_overdue = 'dead' where topic = 'often';
select t.go(:r, 'often') as d \gset
select t.report(:r, t.result(:d, 202));
select t.pass(:d, 'until');
select is(t.ask(:r, :d, 410), 'dead overdue', 'or dead, if the route says so');
select ok((select enabled from artery.endpoint where id = :often), 'a 410 to a question disables nothing');

-- where to ask after 202
create function t.path(p_runner bigint, p_template text, p_more jsonb) returns text language plpgsql as $$
declare
    v_id bigint;
begin
    update artery.route set accepted_path_template = p_template where topic = 'often';
    v_id := t.go(p_runner, 'often');
    perform t.report(p_runner, t.result(v_id, 202, p_more));
    return (select coalesce(inquiry ->> 'path', status || ' ' || error_class) from artery.integration_task where id = v_id);
end $$;
select is(t.path(:r, '/op/{operationid}?d={document_id}', '{"response_body": "{\"operationId\": \"x/7\"}"}'), '/op/x%2F7?d=D%201', 'filled from the answer');
select is(t.path(:r, '{location}', jsonb_build_object('response_headers', jsonb_build_object('location', l.location))), l.path, 'Location: ' || l.location)
from (values
    ('https://often.example/api/v1/op/7?full=1', '/op/7?full=1'), ('/api/v1/op/7', '/op/7'),
    ('https://evil.example/api/v1/op/7', 'held accepted'), ('https://often.example.evil.example/api/v1/x', 'held accepted'),
    ('//evil.example/api/v1/op', 'held accepted'), ('/api/v2/op/7', 'held accepted'), ('/api/v1/../v2/x', 'held accepted'),
    ('/api/v1/%2e%2E/x', 'held accepted'), ('op/7', 'held accepted'), ('', 'held accepted')
) as l (location, path);
select is(t.path(:r, '/op/{id}', '{"response_body": "{}"}'), 'held accepted', 'an answer that does not say it is held');
update artery.route set accepted_path_template = null, status_done = null where topic = 'often';
select is(t.path(:r, null, '{}') ~ '^/status/', true, 'without one: where all questions go');
select t.go(:r, 'often') as e \gset
select t.report(:r, t.result(:e, 202));
select is(t.ask(:r, :e, 202), 'failed accepted asked', 'without a predicate a 202 is not done');
select is(t.ask(:r, :e, 303), 'sent', '... a 303 to the result is, unfollowed');
select t.go(:r, 'often') as f \gset
select t.report(:r, t.result(:f, 202));
select is(t.ask(:r, :f, 204), 'sent', '... as is any other 2xx');
update artery.endpoint set status_outcomes = '{"202": "sent"}' where id = :often;
select t.go(:r, 'often') as g \gset
select t.report(:r, t.result(:g, 202));
select is(t.status(:g), 'sent', 'an endpoint whose 202 is an end says so');

-- unknown outcome
create function t.fate(p_runner bigint, p_topic text, p_status integer, p_kind text) returns text language plpgsql as $$
declare
    v_id bigint := t.go(p_runner, p_topic);
begin
    perform t.report(p_runner, t.result(v_id, p_status, jsonb_build_object('error_kind', p_kind)));
    return (select concat_ws(' ', status, error_class, case when inquiry is not null then 'asked' end)
        from artery.integration_task where id = v_id);
end $$;
select is(t.result, case when u.unknown then 'failed unknown_outcome asked' else 'failed retryable' end, 'not idempotent, ' || u.name)
from (values ('500', 500, null, true), ('502', 502, null, true), ('504', 504, null, true), ('timeout', null, 'timeout', true),
        ('reset', null, 'reset', true), ('503', 503, null, false), ('429', 429, null, false), ('408', 408, null, false)) as u (name, status, kind, unknown)
cross join lateral t.fate(:r, 'once', u.status, u.kind) as t (result);
select is(t.fate(:r, 'often', 500, null), 'failed retryable', 'idempotent: simply sent again');
select is((select count(*)::int from artery.integration_task where topic = 'often' and status_code = 500 and inquiry is null and status = 'failed'), 1, '... and not asked');
update artery.integration_task set status = 'cancelled' where status = 'failed';

select t.go(:r, 'once') as h \gset
select t.report(:r, t.result(:h, null, '{"error_kind": "timeout"}'));
select is((t.task(:h)).failures, 1, 'the lost attempt counts');
select is(t.ask(:r, :h, 404), 'failed in_doubt asked', 'never seen, it says: it may still be on its way, and is asked again');
select t.pass(:h, 'absent_from');
select is(t.ask(:r, :h, 404), 'failed absent', '... until nothing can be: then it may be sent');
select is((t.task(:h)).due_at < clock_timestamp() + interval '5 s', true, 'soon');
select t.make_due();
select results_eq(format('select method, body, request_id from artery.claim_tasks(%s) where id = %s', :r, :h),
    format($$values ('POST', '{"n": 1}', %L::uuid)$$, (t.task(:h)).request_id), '... the same request');
select t.report(:r, t.result(:h, null, '{"error_kind": "reset"}'));
select t.pass(:h, 'absent_from');
select is(t.ask(:r, :h, 200, '{"state": "none"}'), 'failed absent', 'an answer may say so too');
select t.make_due();
select t.claim(:r);
select t.report(:r, t.result(:h, null, '{"error_kind": "reset"}'));
select t.pass(:h, 'absent_from');
select is(t.ask(:r, :h, 404), 'dead absent', 'never seen with the last attempt: dead');

select t.go(:r, 'once') as i \gset
select t.report(:r, t.result(:i, 504));
select is(t.ask(:r, :i, 200, '{"state": "done"}'), 'sent', 'it took effect: sent, and not sent again');
select is((select count(*)::int from artery.cloud_log where task_id = :i and not status_query), 1, '... as the log says');
select t.go(:r, 'once') as j \gset
select t.report(:r, t.result(:j, 504));
select t.pass(:j, 'until');
select is(t.ask(:r, :j, 403), 'held overdue', 'no answer until the deadline: held');
select t.go(:r, 'once') as k \gset
select t.report(:r, t.result(:k, 504));
select artery.retry_task(:k, 'impatient');
select ok((t.task(:k)).inquiry is not null and (t.task(:k)).due_at <= clock_timestamp(), 'a retry while it is asked asks now, and sends nothing');
select t.claim(:r);
select artery.release_leases(:r, array[:k], array[(t.task(:k)).attempt]);
select ok((t.task(:k)).inquiry is not null, 'a question given back stays one');

-- the runner died
select t.go(:r, 'once') as l \gset
update artery.integration_task set locked_until = clock_timestamp() - interval '1 s' where id = :l;
select artery.expire_leases('infinity');
select results_eq(format('select status, error_class, failures, inquiry ->> ''why'' from artery.integration_task where id = %s', :l),
    $$values ('failed', 'lease_expired', 1, 'in_doubt')$$, 'lost in mid-send: asked');
update artery.integration_task set due_at = clock_timestamp() where id = :l;
select t.claim(:r);
update artery.integration_task set locked_until = clock_timestamp() - interval '1 s' where id = :l;
select artery.expire_leases('infinity');
select results_eq(format('select status, failures, inquiry ->> ''why'' from artery.integration_task where id = %s', :l),
    $$values ('failed', 1, 'in_doubt')$$, 'lost in asking: asked again, and it costs nothing');
select is(t.ask(:r, :l, 200, '{"state": "done"}'), 'sent', '... until it is known');

-- nobody to ask
select t.endpoint('mute', '{"idempotent": false}');
select t.go(:r, 'mute') as m \gset
select t.report(:r, t.result(:m, 500));
select is(t.status(:m), 'held', 'where nobody can be asked an unknown outcome is held at once');
select throws_ok(format('select artery.resolve_task(%s, ''ask'', ''x'')', :m), 'IN014', null, '... nor can a person have it asked');
select artery.resolve_task(:m, 'dead', 'never arrived');
select is(t.status(:m), 'dead', 'a person ends it');
select t.go(:r, 'mute') as n \gset
select t.report(:r, t.result(:n, 202));
select is(t.status(:n), 'sent', 'and a 202 is an end');

-- whether an attempt may have had an effect, for sagas
select ok(artery._is_doubtful(:j), 'an open outcome leaves a doubt');
select ok(not artery._is_doubtful(:h), 'the receiver''s word that it never saw it takes it away');
select t.go(:r, 'once') as p \gset
select t.report(:r, t.result(:p, 504));
select is(t.ask(:r, :p, 403), 'failed refused asked', 'a refused question decides nothing');
select ok(artery._is_doubtful(:p), '... and leaves the doubt');
select is(t.ask(:r, :p, 200, '{"state": "failed"}'), 'dead refused', 'refused for good, it says');
select ok(not artery._is_doubtful(:p), '... which takes the doubt away');

-- what the receiver says of its quota
create function t.quota(p_headers jsonb) returns interval language sql as $$ select artery._quota_wait(p_headers, '2026-11-21 06:00:00+00') $$;
select is(t.quota(q.headers), q.wait::interval, q.headers::text)
from (values
    ('{"ratelimit": "\"default\";r=0;t=30"}'::jsonb, '30 s'), ('{"ratelimit": "\"default\";r=5;t=30"}', null),
    ('{"ratelimit": "\"burst\";r=0;t=3, \"daily\";r=0;t=4000"}', '4000 s'), ('{"ratelimit": "\"burst\";r=9;t=3, \"daily\";r=0;t=4000"}', '4000 s'),
    ('{"ratelimit": "\"a,b;r=0;t=9\";r=1;t=3"}', null), ('{"ratelimit": "default;pk=\";r=0\";t=3;r=0"}', '3 s'),
    ('{"ratelimit": "\"b\";r=0", "ratelimit-policy": "\"a\";q=1;w=1, \"b\";q=10;w=5"}', '5 s'), ('{"ratelimit": "\"b\";r=0"}', null),
    ('{"ratelimit": "limit=10, remaining=0, reset=7"}', '7 s'), ('{"ratelimit": "limit=10, remaining=4, reset=7"}', null),
    ('{"ratelimit-limit": "10, 10;w=1", "ratelimit-remaining": "0", "ratelimit-reset": "8"}', '8 s'),
    ('{"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9"}', '9 s'), ('{"x-ratelimit-remaining": "1", "x-ratelimit-reset": "9"}', null),
    ('{"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1795240860"}', '60 s'), ('{"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1795240860000"}', '60 s'),
    ('{"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1795240000"}', '0 s'), ('{"x-ratelimit-remaining": "0"}', null),
    ('{"ratelimit": "nonsense"}', null), ('{"ratelimit": ""}', null), ('{"ratelimit-remaining": "many", "ratelimit-reset": "soon"}', null),
    ('{"ratelimit-remaining": "0", "ratelimit-reset": "99999999999999999999999"}', '999999999 s'), ('{}', null)
) as q (headers, wait);
select t.endpoint('quota', '{"retry_after_cap": "20 s"}') as quota \gset
select t.go(:r, 'quota') as o \gset
select is(t.report(:r, t.result(:o, 200, '{"response_headers": {"ratelimit": "\"d\";r=0;t=300"}}')) -> 'hold', format('[%s]', :quota)::jsonb,
    'an answer that uses up the quota holds the endpoint');
select is(t.status(:o), 'sent', '... itself is an answer like any');
select ok(blocked_until between clock_timestamp() + interval '15 s' and clock_timestamp() + interval '20 s', '... no longer than the cap')
from artery.rate_limiter where endpoint_id = :quota;
select is(blocked_reason, 'RateLimit: its quota is used up', '... and says why') from artery.rate_limiter where endpoint_id = :quota;
select artery.enqueue_task('quota');
select is(t.claim(:r), '{}', 'for every runner');

select * from finish();
rollback;
