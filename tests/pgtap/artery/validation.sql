begin;
select no_plan();
\ir _setup.psql
select t.endpoint('e') as e \gset

-- endpoints
create temp table url (url text, good boolean);
insert into url values
('https://mes.example/api/v1', true), ('https://mes.example/v1', true), ('http://10.0.0.7:8080/v12/', true), ('https://x.example/v1.2/api', true),
('https://[2001:db8::1]:443/v1', true), ('HTTPS://X.example/V1', true),
('https://mes.example', false), ('https://mes.example/', false), ('https://mes.example/api', false), ('https://mes.example/version1', false),
('https://v1.example/api', false), ('https://mes.example/api?x=/v1/', false), ('https://mes.example/api#/v1/', false), ('https://u:p@mes.example/v1', false),
('ftp://mes.example/v1', false), ('mes.example/v1', false), ('https://mes.example/v1?key=1', false), ('https://mes.example/v1 ', false),
(E'https://mes.example/v1\nx', false), ('', false), ('/v1', false), ('file:///v1', false);
select is(state, case when good then null else 'IN007' end, format('base URL %L', url)) from url, t.error(format('update artery.endpoint set base_url = %L where name = ''e''', url));
create temp table secret (kind text, ref text, state text);
insert into secret values
('bearer', 'vault:MES_TOKEN', null), ('bearer', 'env:MES_TOKEN', null), ('bearer', 'sk-live-123', 'IN008'), ('bearer', 'vault:', 'IN008'), ('bearer', 'Vault:x', 'IN008'),
('bearer', 'vault:a b', 'IN008'), ('bearer', 'env:' || repeat('x', 64), 'IN008'), ('bearer', null, 'IN014'), ('none', 'vault:X', 'IN014'), ('none', null, null), ('oauth9', 'vault:X', '23514');
select is(e.state, s.state, format('secret %L for %s', ref, kind)) from secret as s, t.error(format('update artery.endpoint set auth_kind = %L, secret_ref = %L where name = ''e''', kind, ref)) as e;
select unalike(detail || hint, '%sk-live%', 'a refused secret is not in the error') from t.error($$update artery.endpoint set auth_kind = 'bearer', secret_ref = 'sk-live-123'$$);
create temp table header (headers jsonb, state text);
insert into header values
('{"x-plant": "7"}', null), ('{"AUTHORIZATION": "Bearer x"}', 'IN008'), ('{"Cookie": "a"}', 'IN008'), ('{"X-Api-Key": "a"}', 'IN008'), ('[]', 'IN014'), ('"x"', 'IN014'),
('{"x": 1}', 'IN014'), ('{"x y": "1"}', 'IN014'), ('{"": "1"}', 'IN014'), ('{"x": "a\r\nauthorization: b"}', 'IN014'), ('{"x:": "1"}', 'IN014');
select is(e.state, h.state, format('headers %s', headers)) from header as h, t.error(format('update artery.endpoint set headers = %L where name = ''e''', headers)) as e;
select isnt(coalesce(hint, ''), '', 'each refusal has a hint') from header as h, t.error(format('update artery.endpoint set headers = %L where name = ''e''', headers)) as e where h.state is not null;
create temp table bound (setting text);
insert into bound values ('connect_timeout = ''0'''), ('total_timeout = ''1 ms'''), ('total_timeout = ''11 minutes'''), ('backoff_base = ''0'''), ('backoff_factor = 0.5'),
    ('backoff_factor = ''NaN'''), ('backoff_cap = ''1 ms'''), ('max_attempts = 0'), ('max_in_flight = 0'), ('max_request_bytes = 0'), ('max_response_bytes = 1000000000'), ('logged_body_bytes = -1'),
    ('name = ''Mes Prod''');
select throws_ok(format('update artery.endpoint set %s where name = ''e''', setting), '23514', null, 'out of bounds: ' || setting) from bound;
select (select version from artery.endpoint where id = :e) as v \gset
update artery.endpoint set max_attempts = 3 where id = :e;
select is((select version from artery.endpoint where id = :e), :v + 1, 'each change raises the version that runners cache by');
update artery.endpoint set version = 1 where id = :e;
select is((select version from artery.endpoint where id = :e), :v + 2, '... whatever the change says');
-- a secret is bound to its address
update artery.endpoint set base_url = 'https://a.example/v1', auth_kind = 'bearer', secret_ref = 'vault:A' where id = :e;
set client_min_messages = error;
update artery.endpoint set base_url = 'https://evil.example/v1' where id = :e;
select results_eq(format('select auth_kind, secret_ref, enabled from artery.endpoint where id = %s', :e), $$values ('none', null::text, false)$$, 'a changed base URL drops the secret, and switches the endpoint off');
update artery.endpoint set base_url = 'https://a.example/v1', auth_kind = 'bearer', secret_ref = 'vault:A', enabled = true where id = :e;
select results_eq(format('select auth_kind, secret_ref, enabled from artery.endpoint where id = %s', :e), $$values ('bearer', 'vault:A', true)$$, 'a secret given with the new address stays');
reset client_min_messages;
select results_eq(format('select name, base_url, auth_kind, secret_ref, connect_timeout_ms, total_timeout_ms, enabled from artery.endpoint_config(array[%s])', :e),
    $$values ('e', 'https://a.example/v1', 'bearer', 'vault:A', 5000, 30000, true)$$, 'the runner gets the reference, and times in milliseconds');
select is_empty('select from artery.endpoint_config(null)', 'of no endpoint it gets nothing');

-- routes
create function t.good(jsonb) returns void language sql as 'select 1';
create function t.gives(jsonb) returns integer language sql as 'select 1';
create procedure t.proc(jsonb) language sql as 'select 1';
create function t."Odd Name"(jsonb) returns void language sql as 'select 1';
create temp table handler (name text, good boolean);
insert into handler values ('t.good(jsonb)', true), ('t.good', true), (null, true), ('good(jsonb)', false), ('t.none(jsonb)', false), ('t.gives(jsonb)', false), ('t.proc(jsonb)', false),
('pg_catalog.pg_sleep(jsonb)', false), ('t.good(jsonb); drop table x', false), ('t.good(jsonb), t.good', false), ('t."Odd Name"(jsonb)', false), ('', false), ('t.good(''x'')', false),
('t.good(jsonb) union select 1 --', false), ('nowhere.good(jsonb)', false);
select is(state, case when good then null else 'IN009' end, format('reply handler %L', name)) from handler, t.error(format('update artery.route set reply_handler = %L where topic = ''e''', name));
create temp table template (path text, good boolean);
insert into template values ('/mo/create', true), ('/mo/{no}', true), ('/x?a={b}', true), ('/', true), ('mo', false), ('/a b', false), ('/a#b', false), ('/a?b?c d', false), (E'/a\nb', false), ('', false);
select is(state, case when good then null else '23514' end, format('path template %L', path)) from template, t.error(format('update artery.route set path_template = %L where topic = ''e''', path));
select throws_ok($$update artery.route set method = 'TRACE' where topic = 'e'$$, '23514', null, 'an unknown method is refused');
select throws_ok($$update artery.route set notify_channel = 'x; drop' where topic = 'e'$$, '23514', null, 'a bad channel is refused');
select throws_ok($$insert into artery.route (topic, endpoint_id, path_template) values ('x', -1, '/')$$, '23503', null, 'a route needs its endpoint');

-- steps
create function t.step(timestamptz) returns bigint language sql as 'select 1::bigint';
select throws_ok($$insert into artery.sweep_step (name, function, every) values ('x', 't.nostep', '1 s')$$, 'IN009', null, 'a sweep step needs its function');
select throws_ok($$insert into artery.sweep_step (name, function, every) values ('x', 't.good', '1 s')$$, 'IN009', null, '... of the right kind');
select lives_ok($$insert into artery.sweep_step (name, function, every) values ('x', 't.step', '1 s')$$, 'then it is taken');

-- what open tasks keep
select artery.enqueue_task('e') as task \gset
select throws_ok($$delete from artery.route where topic = 'e'$$, 'IN011', null, 'a route with open tasks stays');
select throws_ok($$update artery.route set topic = 'renamed' where topic = 'e'$$, 'IN011', null, '... under its topic');
select lives_ok($$update artery.route set topic = topic, description = 'x' where topic = 'e'$$, '... the rest of it may change');
update artery.route set endpoint_id = t.endpoint('f') where topic = 'e';
select throws_ok(format('delete from artery.endpoint where id = %s', :e), 'IN011', null, 'an endpoint with open tasks stays, with routes or without');
select artery.cancel_task(:task);
update artery.integration_task set handler_status = 'failed' where id = :task;
select throws_ok($$delete from artery.route where topic = 'e'$$, 'IN011', null, 'an answer not yet handled keeps its route');
update artery.integration_task set handler_status = null where id = :task;
select lives_ok($$update artery.route set topic = 'renamed' where topic = 'e'$$, 'without open tasks a topic may be renamed');
select lives_ok($$delete from artery.route where topic = 'renamed'$$, '... or go');
select lives_ok(format('delete from artery.endpoint where id = %s', :e), 'and so may the endpoint');
select is((select count(*)::int from artery.lane where endpoint_id = :e), 0, '... with its lanes');

select * from finish();
rollback;
