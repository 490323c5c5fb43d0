begin;
select no_plan();
\ir _setup.psql
select t.endpoint('e') as e \gset
set client_min_messages = error;
-- everything as it is given, nothing left of what was before
create function t.auth(p_new jsonb) returns text language sql as $$
    select coalesce(x.state, 'fits') || coalesce(': ' || x.detail, '') from t.error(format($q$
        update artery.endpoint as e
        set (base_url, auth_kind, auth, secret_ref, subject_ref, signing_ref, client_cert_ref, ca_bundle, proxy_url, proxy_ref)
            = (select r.base_url, r.auth_kind, r.auth, r.secret_ref, r.subject_ref, r.signing_ref, r.client_cert_ref, r.ca_bundle, r.proxy_url, r.proxy_ref
               from jsonb_populate_record(null::artery.endpoint, '{"base_url": "https://e.example/v1", "auth_kind": "none"}' || %L::jsonb) as r)
        where e.name = 'e'$q$, p_new)) as x
$$;
create function t.shown(p_new jsonb) returns text language sql as $$
    select concat(x.state, x.detail, x.hint) from t.error(format('update artery.endpoint set auth = %L where name = ''e''', p_new)) as x
$$;
\set cc '{"auth_kind": "client_credentials", "secret_ref": "vault:S", "auth": {"token_url": "https://idp.example/token", "client_id": "c"}}'
\set pk '{"auth_kind": "client_credentials", "secret_ref": "vault:S", "auth": {"token_url": "https://idp.example/token", "client_id": "c", "client_auth": "private_key_jwt", "issuer": "https://idp.example", "algorithm": "ES256", "key_id": "k1"}}'
\set jb '{"auth_kind": "jwt_bearer", "secret_ref": "vault:S", "auth": {"token_url": "https://idp.example/token", "client_id": "c", "issuer": "https://idp.example", "subject": "u", "claims": {"scope": "a b", "n": 1}}}'
\set te '{"auth_kind": "token_exchange", "secret_ref": "vault:S", "subject_ref": "env:T", "auth": {"token_url": "https://idp.example/token", "client_id": "c", "subject_token_type": "urn:ietf:params:oauth:token-type:jwt"}}'

-- what fits
create temp table good (new jsonb);
insert into good values
('{}'), ('{"auth_kind": "api_key", "secret_ref": "vault:K"}'), ('{"auth_kind": "api_key", "secret_ref": "vault:K", "auth": {}}'),
('{"auth_kind": "api_key", "secret_ref": "vault:K", "auth": {"header": "Ocp-Apim-Subscription-Key"}}'), (:'cc'), (:'pk'), (:'jb'), (:'te'),
(jsonb_set(:'cc', '{auth,scope}', '"orders:write a"')), (jsonb_set(:'cc', '{auth,resource}', '"https://e.example/v1"')), (jsonb_set(:'cc', '{auth,token_ca}', '"system"')),
(jsonb_set(:'cc', '{auth,client_auth}', '"client_secret_post"')), (jsonb_set(:'te', '{auth,client_auth}', '"none"') - 'secret_ref'), (jsonb_set(:'te', '{auth,requested_token_type}', '"urn:ietf:params:oauth:token-type:access_token"')),
(jsonb_set(:'jb', '{auth,subject_from}', '"task"') #- '{auth,subject}'), (:'te'::jsonb - 'subject_ref' || jsonb_build_object('auth', (:'te'::jsonb -> 'auth') || '{"subject_from": "task", "client_auth": "private_key_jwt", "issuer": "https://idp.example", "key_id": "thumbprint"}')),
('{"client_cert_ref": "vault:C"}'), (:'cc'::jsonb || '{"client_cert_ref": "env:C", "ca_bundle": "-----BEGIN CERTIFICATE-----\nMII+/=\n-----END CERTIFICATE-----\n"}'),
('{"proxy_url": "http://proxy.example:3128"}'), ('{"proxy_url": "http://[2001:db8::1]:3128/", "proxy_ref": "vault:P"}');
select is(t.auth(new), 'fits', format('fits: %s', new)) from good;

-- what does not, and each problem by its name
create temp table bad (new jsonb, says text);
insert into bad values
(jsonb_set(:'jb', '{auth,subject_from}', '"task"'), 'auth.subject and auth.subject_from are both given'), (jsonb_set(:'te', '{auth,subject_from}', '"task"'), 'subject_ref is given, and not needed'),
(jsonb_set(:'te', '{auth,subject_from}', '"task"') - 'subject_ref', 'auth.client_auth must be private_key_jwt with subject_from'), (jsonb_set(:'jb', '{auth,subject_from}', '"me"') #- '{auth,subject}', 'auth.subject_from is not of the right form'),
('{"auth": []}', 'auth is no object'), ('{"auth": "x"}', 'auth is no object'), ('{"auth": {"header": "X"}}', 'auth.header is no setting of none'),
('{"auth_kind": "bearer", "secret_ref": "vault:K", "auth": {"header": "X"}}', 'auth.header is no setting of bearer'),
('{"auth_kind": "api_key", "secret_ref": "vault:K", "auth": {"header": "a b"}}', 'auth.header is not of the right form'), ('{"auth_kind": "api_key", "secret_ref": "vault:K", "auth": {"header": "Host"}}', 'auth.header is one that the runner sets itself'),
('{"auth_kind": "api_key", "secret_ref": "vault:K", "auth": {"header": 1}}', 'auth.header is not of the right form'),
('{"auth_kind": "client_credentials", "secret_ref": "vault:K"}', 'auth.token_url is missing'), (:'cc'::jsonb - 'secret_ref', 'secret_ref is missing'), (:'cc'::jsonb #- '{auth,client_id}', 'auth.client_id is missing'),
(:'cc'::jsonb || '{"subject_ref": "vault:T"}', 'subject_ref is given'), (jsonb_set(:'cc', '{auth,client_auth}', '"tls"'), 'auth.client_auth is not of the right form'), (jsonb_set(:'cc', '{auth,client_auth}', '"none"'), 'auth.client_auth is not of the right form'),
(jsonb_set(:'cc', '{auth,client_auth}', '"private_key_jwt"'), 'auth.issuer is missing'), (jsonb_set(:'cc', '{auth,token_url}', '"https://idp.example/token?x=1"'), 'auth.token_url is not'), (jsonb_set(:'cc', '{auth,token_url}', '"ftp://idp.example/token"'), 'auth.token_url is not'),
(jsonb_set(:'cc', '{auth,token_url}', '"http://idp.example/token"'), 'auth.token_url is http under'), (jsonb_set(:'cc', '{auth,token_url}', 'null'), 'auth.token_url is not'), (jsonb_set(:'cc', '{auth,scope}', '"a  b"'), 'auth.scope is not'),
(jsonb_set(:'cc', '{auth,scope}', '"a\"b"'), 'auth.scope is not'), (jsonb_set(:'cc', '{auth,scope}', '"a\\b"'), 'auth.scope is not'), (jsonb_set(:'cc', '{auth,audience}', '"a\nb"'), 'auth.audience is not'), (jsonb_set(:'cc', '{auth,resource}', '"e"'), 'auth.resource is not'),
(jsonb_set(:'pk', '{auth,algorithm}', '"HS256"'), 'auth.algorithm is not'), (jsonb_set(:'pk', '{auth,algorithm}', '"none"'), 'auth.algorithm is not'), (jsonb_set(:'cc', '{auth,token_ca}', 'true'), 'auth.token_ca is not'),
(jsonb_set(:'cc', '{auth,claims}', '{}'), 'auth.claims is no setting of client_credentials'), (jsonb_set(:'jb', '{auth,claims}', '[]'), 'auth.claims must'), (jsonb_set(:'jb', '{auth,claims}', '{"exp": 1}'), 'auth.claims must'), (jsonb_set(:'jb', '{auth,claims}', '{"a": {}}'), 'auth.claims must'),
(jsonb_set(:'cc', '{auth,issuer}', '"https://i"'), 'auth.issuer is of no use'), (jsonb_set(:'te', '{auth,key_id}', '"k"'), 'auth.key_id is of no use'), (jsonb_set(:'cc', '{auth,algorithm}', '"ES256"'), 'auth.algorithm is of no use'),
(jsonb_set(:'jb', '{auth,audience}', '"a"'), 'auth.audience is no setting of jwt_bearer'), (:'jb'::jsonb #- '{auth,issuer}', 'auth.issuer is missing'), (:'te'::jsonb - 'subject_ref', 'subject_ref is missing'), (:'te'::jsonb #- '{auth,subject_token_type}', 'auth.subject_token_type is missing'), (:'te'::jsonb #- '{auth,client_id}', 'auth.client_id is missing'),
(jsonb_set(:'te', '{auth,client_auth}', '"none"'), 'secret_ref is given, and not needed'), (jsonb_set(:'te', '{auth,subject_token_type}', '"jwt"'), 'auth.subject_token_type is not'),
('{"ca_bundle": "not PEM"}', 'ca_bundle is no PEM'), ('{"ca_bundle": ""}', 'ca_bundle is no PEM'), ('{"proxy_url": "https://proxy.example:3128"}', 'proxy_url is not'), ('{"proxy_url": "http://proxy.example"}', 'proxy_url is not'), ('{"proxy_url": "socks5://p:1"}', 'proxy_url is not'),
('{"proxy_url": "http://proxy.example:3128/x"}', 'proxy_url is not'), ('{"proxy_ref": "vault:P"}', 'proxy_ref is given without');
select alike(t.auth(new), 'IN014: %' || says || '%', format('refused: %s', new)) from bad;
select alike(t.auth('{"auth_kind": "token_exchange", "auth": {"x": 1}, "ca_bundle": "x", "proxy_url": "x"}'),
    '%auth.x is no setting%auth.token_url is missing%auth.subject_token_type is missing%auth.client_id is missing%secret_ref is missing%subject_ref is missing%ca_bundle is no PEM%proxy_url is not%', 'all problems at once');

-- a secret in clear is refused, and shown nowhere
create temp table literal (new jsonb);
insert into literal values
(jsonb_set(:'cc', '{auth,client_secret}', '"sk-live-1"')), (jsonb_set(:'cc', '{auth,password}', '"sk-live-1"')), (jsonb_set(:'pk', '{auth,private_key}', '"sk-live-1"')), (jsonb_set(:'te', '{auth,subject_token}', '"sk-live-1"')), (jsonb_set(:'cc', '{auth,API_KEY}', '"sk-live-1"')),
(jsonb_set(:'cc', '{auth,token_url}', '"https://u:sk-live-1@idp.example/token"')), (jsonb_set(:'te', '{auth,audience}', '"eyJsk-live-1"')), (jsonb_set(:'pk', '{auth,key_id}', '"-----BEGIN PRIVATE KEY-----sk-live-1"')),
(:'te'::jsonb || '{"subject_ref": "sk-live-1"}'), ('{"client_cert_ref": "sk-live-1"}'), ('{"proxy_url": "http://p:1", "proxy_ref": "sk-live-1"}'), ('{"proxy_url": "http://u:sk-live-1@p:1"}'), ('{"ca_bundle": "-----BEGIN PRIVATE KEY-----sk-live-1"}');
select alike(t.auth(new), 'IN008: %', format('a secret: %s', new)) from literal;
update artery.endpoint set headers = '{"x-key": "sk-live-1", "x-plant": "7"}' where id = :e;
select alike(t.auth('{"auth_kind": "api_key", "secret_ref": "vault:K", "auth": {"header": "X-Key"}}'), 'IN008: %', 'the key''s header is no place for it');
select is(t.auth('{"auth_kind": "api_key", "secret_ref": "vault:K", "auth": {"header": "X-Key-2"}}'), 'fits', 'another header is');
update artery.endpoint set headers = '{}' where id = :e;
select unalike(t.shown(new -> 'auth'), '%sk-live-1%', 'it is not in the error') from literal where new ? 'auth';
select unalike(t.shown('{"sk-live-1": "sk-live-1", "header": "sk-live-1\n"}'), '%: %sk-live-1%sk-live-1%', 'nor is a value of the wrong form');

-- the runner gets what is set
select t.auth('{}');
select t.auth(:'te'::jsonb || '{"proxy_url": "http://p:1", "proxy_ref": "vault:P"}');
select is((select access from artery.endpoint_config(array[:e])), jsonb_build_object('auth', :'te'::jsonb -> 'auth', 'subject_ref', 'env:T', 'proxy_url', 'http://p:1', 'proxy_ref', 'vault:P'), 'settings and references, no more');
select t.auth('{}');
select is((select access from artery.endpoint_config(array[:e])), '{}', 'nothing where nothing is set');

-- bound to where they are sent
create function t.kept() returns text language sql as $$ select concat_ws(' ', auth_kind, case when auth is not null then 'auth' end, secret_ref, subject_ref, signing_ref, client_cert_ref, proxy_ref, enabled) from artery.endpoint where name = 'e' $$;
create function t.again(p_new jsonb) returns void language sql as $$ select t.auth('{}'); select t.auth(p_new); update artery.endpoint set enabled = true where name = 'e' $$;
\set all '{"auth_kind": "token_exchange", "secret_ref": "vault:S", "subject_ref": "vault:T", "signing_ref": "vault:W", "client_cert_ref": "vault:C", "proxy_url": "http://p:1", "proxy_ref": "vault:P", "auth": {"token_url": "https://idp.example/token", "client_id": "c", "subject_token_type": "urn:x"}}'
select t.again(:'all');
select is(t.kept(), 'token_exchange auth vault:S vault:T vault:W vault:C vault:P t', 'all of it');
select is(array(select (artery.secret_slot(n, 'e')).base_url from unnest(array['S', 'T', 'W', 'C', 'P', 'X']) as u (n)),
    array['https://e.example/v1 https://idp.example/token', 'https://e.example/v1 https://idp.example/token', 'https://e.example/v1', 'https://e.example/v1', 'http://p:1', 'https://e.example/v1'],
    'what each is bound to: where it is sent');
update artery.endpoint set auth = auth || '{"token_url": "https://evil.example/token"}' where id = :e;
select is(t.kept(), 'none vault:W vault:C vault:P f', 'another token URL drops what went there');
select t.again(:'all');
update artery.endpoint set base_url = 'https://evil.example/v1' where id = :e;
select is(t.kept(), 'none vault:P f', 'another base URL drops all but what goes to the proxy');
select t.again(:'all');
update artery.endpoint set proxy_url = 'http://evil:1' where id = :e;
select is(t.kept(), 'token_exchange auth vault:S vault:T vault:W vault:C f', 'another proxy drops what goes to it');
select t.again(:'all');
update artery.endpoint set auth = auth || '{"scope": "a"}', ca_bundle = null, total_timeout = '9 s' where id = :e;
select is(t.kept(), 'token_exchange auth vault:S vault:T vault:W vault:C vault:P t', 'what changes no address drops nothing');
select t.again('{"auth_kind": "bearer", "secret_ref": "vault:S"}');
update artery.endpoint set auth_kind = 'client_credentials', auth = '{"token_url": "https://idp.example/token", "client_id": "c"}' where id = :e;
select is(t.kept(), 'none f', 'a secret for the endpoint is none for a token server');

-- rotation knows them all
create function t.put(p_name text) returns text[] language sql as $$ select artery.put_secret(p_name, s.version, 'k', 'x', s.endpoint_id, s.base_url) from artery.secret_slot(p_name, 'e') as s $$;
select t.again(:'all');
select is(t.put(n), '{e}', format('%s: the endpoint reads it anew', n)) from unnest(array['S', 'T', 'W', 'C', 'P']) as u (n);
select is((select array_agg(distinct used_by) from artery.list_secrets()), array[array['e']], 'the list says who uses it');
select is(state, 'IN033', format('%s is in use', n)) from unnest(array['S', 'T', 'W', 'C', 'P']) as u (n), t.error(format('select artery.retire_secret(%L, true)', n));
update artery.endpoint set auth = auth || '{"token_url": "https://other.example/token"}', secret_ref = 'vault:S2', subject_ref = 'vault:T2' where id = :e;
select is(t.kept(), 'token_exchange auth vault:S2 vault:T2 vault:W vault:C vault:P t', 'other secrets for the other token server');

-- a fault of the token server is ours
select t.runner() as r \gset
select artery.enqueue_task('e') as k \gset
select t.claim(:r);
select t.report(:r, t.result(:k, null, '{"error_kind": "token", "error": "no"}'));
select results_eq(format('select status, error_class, failures from t.task(%s)', :k), $$values ('failed', 'own_fault', 0)$$, 'no token: no attempt is used up');

select * from finish();
rollback;
