begin;
select no_plan();
\ir ../artery/_setup.psql
set client_min_messages = error;
insert into artery.endpoint (name, base_url, auth_kind, secret_ref, auth, logged_body_bytes)
values ('p', 'https://p.example/v1', 'jwt_bearer', 'vault:K', '{"token_url": "https://p.example/token", "client_id": "erp",
    "issuer": "https://p.example", "subject_from": "task"}', 0);
select t.endpoint('plain') as plain \gset
insert into artery.route (topic, endpoint_id, path_template, reply_handler)
select 'p.launch', e.id, '/launch', 'artery_procurement.handle_sso_reply(jsonb)' from artery.endpoint as e where e.name = 'p';
insert into artery_procurement.sso_platform (platform, method, allowed_urls, initiate_login_uri, issuer) values
('srm', 'oidc', '{https://srm.example/app,https://srm.example:443/login/}', 'https://srm.example/login?lang=de', 'https://idp.example/a');
insert into artery_procurement.sso_platform (platform, method, allowed_urls, topic) values
('p', 'token', '{https://p.example}', 'p.launch'), ('off', 'token', '{https://p.example}', 'p.launch');
insert into artery_procurement.sso_user (platform, user_name, subject)
select p, u, u || '+x@plant.example' from unnest('{srm,p,off}'::text[]) as p, unnest('{alice,bob}'::text[]) as u;
update artery_procurement.sso_platform set enabled = false where platform = 'off';
update artery_procurement.sso_user set enabled = false where user_name = 'bob' and platform = 'srm';

-- where a browser may be sent
create temp table url (url text, fits boolean);
insert into url values
('https://srm.example/app', true), ('https://srm.example/app/', true), ('https://SRM.example:443/app/x?y=1#z', true), ('https://srm.example/login', true),
('https://srm.example/app;x', false), ('https://srm.example/apple', false), ('https://srm.example/', false), ('https://srm.example', false), ('http://srm.example/app', false),
('https://srm.example.evil.example/app', false), ('https://evil.example/https://srm.example/app', false), ('https://srm.example@evil.example/app', false),
('https://evil.example#@srm.example/app', false), ('https://evil.example?@srm.example/app', false), ('https://evil.example\@srm.example/app', false),
('https://srm.example:8443/app', false), ('//srm.example/app', false), ('https:/srm.example/app', false), ('https:srm.example/app', false),
('javascript:alert(1)//https://srm.example/app', false), ('data:text/html,x', false), (' https://srm.example/app', false), ('https://srm.example/app' || chr(10), false),
('https://srm.example/app/../x', false), ('https://srm.example/app/%2e%2e/x', false), ('https://srm.example/app/.%2E/x', false), ('https://srm.example/app/%2e%2e%2fx', false),
('https://srm.example/app/..%5cx', false), ('https://srm.ex' || chr(228) || 'mple/app', false), ('https://srm.example/app/' || repeat('x', 2000), false), (null, false);
select is(artery_procurement._url_problem(u.url, p.allowed_urls) is null, u.fits, left(format('allowed %s: %s', u.fits, u.url), 90))
from url as u, artery_procurement.sso_platform as p where p.platform = 'srm';
select is(artery_procurement._url_problem(u, array['http://localhost:8080']), null, u) from unnest('{http://localhost:8080,http://localhost:8080/x}'::text[]) as u;
select is(artery_procurement._url_problem('http://127.0.0.1.evil.example/', null), 'is not https', 'only this machine goes without TLS');

-- a platform's settings, all problems at once
create function t.platform(p_new jsonb) returns text language sql as $$
    select concat(x.state, ': ', x.detail) from t.error(format($q$
        insert into artery_procurement.sso_platform (platform, method, allowed_urls, initiate_login_uri, issuer, topic, target_url)
        select 'new', r.method, r.allowed_urls, r.initiate_login_uri, r.issuer, r.topic, r.target_url
        from jsonb_populate_record(null::artery_procurement.sso_platform, %L) as r$q$, p_new)) as x
$$;
select is(t.platform('{"method": "oidc", "allowed_urls": ["http://a.example", "https://b.example?x"], "target_url": "https://c.example", "topic": "x"}'),
    'IN654: allowed_urls: http://a.example is not https; allowed_urls: https://b.example?x has a query or fragment; '
    'target_url is not below any of allowed_urls; initiate_login_uri is missing; issuer is missing; topic is of no use with oidc.', 'oidc: all problems');
select is(t.platform('{"method": "token", "allowed_urls": [], "issuer": "https://i.example", "topic": "plain"}'),
    'IN654: allowed_urls is empty; initiate_login_uri and issuer are of no use with token; '
    'the route''s reply_handler must be artery_procurement.handle_sso_reply(jsonb); '
    'the endpoint''s auth must have "subject_from": "task" (jwt_bearer or token_exchange); '
    'the endpoint''s logged_body_bytes must be 0: its answers hold one-time URLs.', 'token: all problems');
select is(t.platform('{"method": "token", "allowed_urls": ["https://a.example"]}'), 'IN654: topic is no route.', 'token: a route is needed');

-- oidc
select is(artery_api_v1.sso_launch('srm', 'alice') ->> 'url',
    'https://srm.example/login?lang=de&iss=https%3A%2F%2Fidp.example%2Fa&login_hint=alice%2Bx%40plant.example', 'the URL that initiates a login');
select is(artery_api_v1.sso_launch('srm', 'alice', 'https://srm.example/app/o?i=1&j=2') ->> 'url',
    'https://srm.example/login?lang=de&iss=https%3A%2F%2Fidp.example%2Fa&login_hint=alice%2Bx%40plant.example'
    '&target_link_uri=https%3A%2F%2Fsrm.example%2Fapp%2Fo%3Fi%3D1%26j%3D2', 'with a target');

-- bad input
create function t.launch(p_platform text, p_user text, p_target text default null) returns text language sql as $$
    select concat_ws(' | ', x.state, x.detail, case when x.hint = '' then 'no hint' end)
    from t.error(format('select artery_api_v1.sso_launch(%L, %L, %L)', p_platform, p_user, p_target)) as x
$$;
select is(t.launch('none', 'alice'), 'IN650 | Known: p, srm.', 'unknown platform');
select is(t.launch(null, null), 'IN650 | Known: p, srm.', 'no platform');
select is(t.launch('off', 'eve', 'http://x'), 'IN651 | the platform is disabled; user ''eve'' is not entered for it; the target is not https.', 'disabled, and all else that is wrong');
select is(t.launch('srm', 'eve'), 'IN652 | user ''eve'' is not entered for it.', 'unknown user');
select is(t.launch('srm', 'bob'), 'IN652 | user ''bob'' is disabled.', 'disabled user');
select is(t.launch('srm', 'alice', 'https://evil.example/'), 'IN653 | the target is not below any of allowed_urls.', 'a target elsewhere');
select is((select count(*)::int from artery_procurement.sso_launch), 2, 'refusals leave no launch behind');

-- by token: the task carries the user and no ticket; the ticket is no column; the answer opens once
select artery_api_v1.sso_launch('p', 'alice') as a \gset
select is((select array[t.headers ->> 'artery-subject', t.body, t.priority::text] from artery.integration_task as t),
    '{alice+x@plant.example,"{\"user\": \"alice+x@plant.example\"}",0}', 'the task names the user');
select is((select position(:'a'::jsonb ->> 'ticket' in l::text || t::text) from artery_procurement.sso_launch as l, artery.integration_task as t
    where t.id = l.task_id), 0, 'the ticket stands nowhere');
create function t.take(p_user text, p_wait text, p_ticket text) returns text language sql as $$
    select concat_ws(' | ', x.state, x.detail) from t.error(format('select artery_api_v1.sso_launch_url(%L, %L, %L)', p_ticket, p_user, p_wait)) as x
$$;
select is(artery_api_v1.sso_launch_url(:'a'::jsonb ->> 'ticket', 'alice', '0') ->> 'status', 'waiting', 'no answer yet');
select matches(t.take('alice', '5 s', :'a'::jsonb ->> 'ticket'), '^IN659', 'nobody waits in the transaction that began it');
select matches(t.take('bob', '0', :'a'::jsonb ->> 'ticket'), '^IN655', 'the ticket of another user');
select matches(t.take('alice', '0', 'x'), '^IN655', 'no ticket');
select matches(t.take('alice', '0', null), '^IN655', 'null for a ticket');
select t.runner() as r \gset
select t.claim(:r);
select (t.report(:r, t.result((select l.task_id from artery_procurement.sso_launch as l where l.task_id is not null), 201,
    '{"response_body": "{\"url\": \"https://p.example/launch/one-time\"}"}')) -> 'handler_failed') = '[]' as handled;
select is((select count(*)::int from artery.cloud_log as c where c::text like '%one-time%'), 0, 'the answer is not logged');
set local role artery_reader;
select is((select status from artery_procurement.sso_launch where platform = 'p'), 'ready', 'a reader sees that it is ready');
select throws_ok('select url from artery_procurement.sso_launch', '42501', null, 'but not the URL');
set local role artery_app;
select is(artery_api_v1.sso_launch_url(:'a'::jsonb ->> 'ticket', 'alice') ->> 'url', 'https://p.example/launch/one-time', 'the URL, once');
reset role;
select matches(t.take('alice', '0', :'a'::jsonb ->> 'ticket'), '^IN656', 'and not again');
select is((select count(*)::int from artery_procurement.sso_launch where url is not null), 0, 'it is erased');

-- an answer after its time is dropped
select artery_api_v1.sso_launch('p', 'alice') as a \gset
update artery_procurement.sso_launch set expires_at = clock_timestamp() where status = 'waiting';
select matches(t.take('alice', '0', :'a'::jsonb ->> 'ticket'), '^IN657', 'expired');
select is(artery_procurement.expire_sso(clock_timestamp() + interval '5 s'), 1::bigint, 'the sweep ends it');
select is((select array_agg(t.status order by t.id) from artery.integration_task as t), '{sent,cancelled}', 'and its call');
update artery_procurement.sso_platform set keep = '1 day';
update artery_procurement.sso_launch set requested_at = requested_at - interval '25 h' where status = 'expired';
select artery_procurement.expire_sso(clock_timestamp() + interval '5 s');
select is((select count(*)::int from artery_procurement.sso_launch), 3, 'the record goes past its keep');

select * from finish();
rollback;
