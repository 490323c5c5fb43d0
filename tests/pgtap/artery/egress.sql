begin;
select no_plan();
\ir _setup.psql
select t.endpoint('mes') as e \gset

-- what holds
select lives_ok($$insert into artery.egress_rule (endpoint, network, first_port) values ('mes', '10.20.0.0/16', 443)$$, 'a network, one port');
select results_eq('select network::text, first_port, last_port, added_by = session_user from artery.egress_rule', $$values ('10.20.0.0/16', 443, 443, true)$$, 'last_port is first_port; who added it is kept');
select lives_ok(format('insert into artery.egress_rule (endpoint, network, first_port, last_port) values (''mes'', %L, 1, 65535)', n), n || ' is fine')
from unnest(array['10.1.2.3', '0.0.0.0/0', '::/0', 'fd12:3456::/32', '2001:db8::1']) as n;
select lives_ok(format('insert into artery.egress_rule (endpoint, network, first_port) values (''mes'', %L, 80)', n), n || ' is fine with one port')
from unnest(array['127.0.0.1', '::1', '169.254.169.254', 'fd00:ec2::254', '64:ff9b::7f00:1', '224.0.0.1']) as n;

-- what does not, each with a hint
create temp table bad (network text, first_port integer, last_port integer);
insert into bad values
('10.20.3.4/16', 443, 443), ('fd12::1/32', 443, 443), ('10.0.0.0/8', 0, 443), ('10.0.0.0/8', 443, 80), ('10.0.0.0/8', 1, 65536), ('10.0.0.0/8', -1, null),
('127.0.0.0/8', 80, 80), ('127.0.0.1', 80, 81), ('169.254.0.0/16', 80, 80), ('fe80::/10', 80, 80), ('::ffff:0.0.0.0/96', 80, 80), ('64:ff9b::/96', 443, 443), ('2002:a00::/24', 443, 443);
select is(e.state, 'IN040', format('%s %s-%s', network, first_port, last_port))
from bad, t.error(format('insert into artery.egress_rule (endpoint, network, first_port, last_port) values (''mes'', %L, %L, %L)', network, first_port, last_port)) as e;
select is(e.detail, '10.20.3.4/16 is neither an address nor a network; write 10.20.0.0/16 or 10.20.3.4; ports 443 to 80: needed are 1 to 65535, the lower one first.', 'all that is wrong at once')
from t.error($$insert into artery.egress_rule (endpoint, network, first_port, last_port) values ('mes', '10.20.3.4/16', 443, 80)$$) as e;
select alike(e.hint, '%''10.20.3.4'', 8080, 8089%', 'the hint shows how to write it') from t.error($$insert into artery.egress_rule values ('mes', '127.0.0.0/8', 80)$$) as e;
select is(e.state, '23503', 'no rule for an endpoint that is not there') from t.error($$insert into artery.egress_rule (endpoint, network, first_port) values ('nobody', '10.0.0.0/8', 443)$$) as e;

-- runners hear of it
delete from artery.egress_rule where network <> '10.20.0.0/16';
select is((select egress_rules from artery.endpoint_config(array[:e])), '[["10.20.0.0/16", 443, 443]]', 'the runner gets the rules');
select version as v from artery.endpoint where id = :e \gset
update artery.egress_rule set first_port = 440, last_port = 449;
select is((select version from artery.endpoint where id = :e), :v + 1, 'a changed rule raises the version that runners cache by');
insert into artery.egress_rule (endpoint, network, first_port) values ('mes', '10.21.0.0/16', 443);
select is((select version from artery.endpoint where id = :e), :v + 2, '... a new one');
delete from artery.egress_rule where network = '10.21.0.0/16';
select is((select version from artery.endpoint where id = :e), :v + 3, '... one that went');
update artery.endpoint set name = 'shopfloor' where id = :e;
select results_eq('select endpoint from artery.egress_rule', $$values ('shopfloor')$$, 'rules go along with a new name');
select t.endpoint('bare') as b \gset
select is((select egress_rules from artery.endpoint_config(array[:b])), '[]', 'no rules is an empty list');

-- deadlines
select results_eq(format('select connect_timeout_ms, tls_timeout_ms, first_byte_timeout_ms, total_timeout_ms from artery.endpoint_config(array[%s])', :b), 'values (5000, 5000, 30000, 30000)', 'deadlines, as they are shipped');
update artery.endpoint set tls_timeout = '2 s', first_byte_timeout = '10 s' where id = :b;
select results_eq(format('select tls_timeout_ms, first_byte_timeout_ms from artery.endpoint_config(array[%s])', :b), 'values (2000, 10000)', 'deadlines, as they are set');
select throws_ok(format('update artery.endpoint set %s where name = ''bare''', s), '23514', null, 'out of bounds: ' || s)
from unnest(array['tls_timeout = ''0''', 'tls_timeout = ''6 minutes''', 'first_byte_timeout = ''1 ms''', 'first_byte_timeout = ''11 minutes''']) as s;

-- who may
set local role artery_app;
select throws_ok('select * from artery.egress_rule', '42501', null, 'an application reads no rules');
set local role artery_operator;
select throws_ok('delete from artery.egress_rule', '42501', null, 'an operator changes none');
set local role artery_admin;
select lives_ok($$insert into artery.egress_rule (endpoint, network, first_port) values ('bare', '10.0.0.0/8', 443)$$, 'an administrator does');
reset role;
select * from finish();
rollback;
