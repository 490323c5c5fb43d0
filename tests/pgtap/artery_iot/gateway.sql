begin;
select no_plan();
\ir _setup.psql
insert into artery_erp.unit (code, name, dimension, whole_number) values ('EA', 'piece', 'count', true);
insert into artery_erp.item (code, name, status, source, stock_unit) values ('A', 'A', 'released', 'make', 'EA');
select pg_temp.machine('M1', p_modulus => 1000);
create function pg_temp.sweep() returns bigint language sql as $$ select artery_staging.process_sensor_readings('infinity') $$;
create function pg_temp.reasons() returns table (reading jsonb, codes jsonb) language sql as $$
    select reading, jsonb_path_query_array(reasons, '$[*].code') from artery_staging.iot_rejected_reading where status = 'rejected' order by id
$$;
create function pg_temp.stored() returns bigint language sql as $$ select count(*) from artery_iot.sensor_reading $$;

-- plain COPY; what is wrong with a row is kept with every reason, its neighbours are taken
copy artery_staging.iot_sensor_reading (device, ts, kind, metric, value, good, reject, state, reason_code, item_code, sequence) from stdin with (format csv);
d-M1,2024-03-04 06:00+01,heartbeat,,,,,,,,
d-M1,2024-03-04 06:00+01,counter,,,10,0,,,A,
d-M1,2024-03-04 06:00+01,state,,,,,running,,,
d-M1,2024-03-04 06:00+01,measure,oil,71.5,,,,,,
d-M1,2024-03-04 06:00+01,measure,air,4,,,,,,
nobody,2024-03-04 06:00+01,heartbeat,,,,,,,,
d-M1,infinity,heartbeat,,,,,,,,
d-M1,2200-01-01 00:00+01,heartbeat,,,,,,,,
d-M1,1999-01-01 00:00+01,heartbeat,,,,,,,,
d-M1,2024-03-04 06:01+01,pulse,,,,,,,,
d-M1,2024-03-04 06:01+01,counter,,,,,,,,
d-M1,2024-03-04 06:02+01,counter,,,NaN,,,,,
d-M1,2024-03-04 06:03+01,counter,,,-1,,,,,
d-M1,2024-03-04 06:04+01,counter,,,1000,,,,,
d-M1,2024-03-04 06:05+01,measure,oil,NaN,,,,,,
d-M1,2024-03-04 06:06+01,measure,oil,,,,,,,
d-M1,2024-03-04 06:07+01,state,,,,,dancing,,,
d-M1,2024-03-04 06:08+01,state,,,,,down,WHY,,
d-M1,2024-03-04 06:09+01,counter,,,11,,,,Z,
d-M1,2024-03-04 06:10+01,heartbeat,,,,,,,,-1
d-M1,2024-03-04 06:11+01,heartbeat,,,,,running,,,
nobody,,pulse,,,,,,,Z,-1
,,,,,,,,,,
\.
select is(pg_temp.sweep(), 23::bigint, 'a COPY is processed');
select is(pg_temp.stored(), 5::bigint, 'what is good is taken');
select is((select count(*) from artery_staging.iot_sensor_reading), 0::bigint, 'nothing is left behind');
select bag_eq($$select codes::text from pg_temp.reasons()$$, $$values ('["IN401"]'), ('["IN402"]'), ('["IN402"]'), ('["IN402"]'), ('["IN403"]'), ('["IN403"]'), ('["IN403"]'),
    ('["IN403"]'), ('["IN403"]'), ('["IN403"]'), ('["IN403"]'), ('["IN403"]'), ('["IN404"]'), ('["IN404"]'), ('["IN403"]'), ('["IN403"]'),
    ('["IN401", "IN404", "IN402", "IN403", "IN403", "IN403"]'), ('["IN401", "IN402", "IN403"]')$$, 'each bad row is kept, with all its reasons');
select is((select reading from pg_temp.reasons() where reading @> '{"device": "nobody", "kind": "heartbeat"}'), '{"device": "nobody", "ts": "2024-03-04T06:00:00+01:00", "kind": "heartbeat"}', '... as it came');
select ok((select bool_and(reason ? 'message' and reason ? 'hint' and reason ? 'path') from artery_staging.iot_rejected_reading, jsonb_array_elements(reasons) as reason), 'reasons say where and what to do');

-- once the cause is gone
insert into artery_iot.device (code) values ('nobody');
select is(artery_staging.resubmit_readings(array(select id from artery_staging.iot_rejected_reading where reading @> '{"device": "nobody", "kind": "heartbeat"}'), 'entered'), 1::bigint, 'a reading is handed in again');
select is(artery_staging.resubmit_readings(array(select id from artery_staging.iot_rejected_reading where reading @> '{"device": "nobody", "kind": "heartbeat"}'), 'twice'), 0::bigint, 'once');
select pg_temp.sweep();
select is(pg_temp.stored(), 6::bigint, 'and taken');
select is((select resubmit_reason || ' ' || resubmitted_by from artery_staging.iot_rejected_reading where status = 'resubmitted'), 'entered ' || session_user, 'who and why is on record');

-- the same again: nothing; the same with other values: a conflict, not applied
select pg_temp.count('M1', '2024-03-04 06:00', 10.0, 0, 'A'), pg_temp.beat('M1', '2024-03-04 06:00', '2024-03-04 06:00');
select pg_temp.sweep();
select is((select count(*) from pg_temp.reasons()), 17::bigint, 'repeated readings are ignored');
select pg_temp.count('M1', '2024-03-04 06:00', 12, 0, 'A'), pg_temp.state('M1', '2024-03-04 06:00', 'down'), pg_temp.state('M1', '2024-03-04 06:30', 'idle'), pg_temp.state('M1', '2024-03-04 06:30', 'down');
select pg_temp.sweep();
select is((select array_agg(codes::text) from (select codes from pg_temp.reasons() offset 17) as x), '{"[\"IN405\"]","[\"IN405\"]","[\"IN405\"]"}', 'contradictions are kept, within a batch too');
select is((select good from artery_iot.sensor_reading where kind = 'counter'), 10::numeric, 'and not applied');

-- a row that fails for a reason that nobody foresaw: it alone
create function pg_temp.trap() returns trigger language plpgsql as $$ begin if new.value = 6666 then raise exception 'trapped' using errcode = 'P0666'; end if; return new; end $$;
create trigger trap before insert on artery_iot.sensor_reading for each row execute function pg_temp.trap();
insert into artery_staging.iot_sensor_reading (device, ts, kind, metric, value)
select 'd-M1', '2024-03-04 07:00'::timestamptz + i * interval '1 s', 'measure', 'x', case when i = 500 then 6666 else i end from generate_series(1, 1000) as i;
select pg_temp.sweep();
drop trigger trap on artery_iot.sensor_reading;
select is((select count(*) from artery_iot.sensor_reading where metric = 'x'), 999::bigint, '999 of 1,000 are taken');
select is((select reasons #>> '{0,code}' from artery_staging.iot_rejected_reading where reading ->> 'value' = '6666'), 'P0666', 'the guilty one is kept with its error');
select is((select array[sum(samples), sum(total), min(minimum), max(maximum)] from artery_iot.measure_summary where metric = 'x'), array[999, 500500 - 500, 1, 1000]::float8[], 'measures are summed');
create function pg_temp.lock_out() returns trigger language plpgsql as $$ begin raise exception 'busy' using errcode = 'lock_not_available'; end $$;
create trigger lock_out before insert on artery_iot.sensor_reading for each row execute function pg_temp.lock_out();
select pg_temp.beat('M1', '2024-03-04 08:00', '2024-03-04 08:00');
select throws_ok('select pg_temp.sweep()', '55P03', 'busy', 'a fault that passes by itself rejects nothing');
drop trigger lock_out on artery_iot.sensor_reading;
select is(pg_temp.sweep(), 1::bigint, '... and the row is still there');

-- the same of a batch, which is one row
select is(artery_api_v1.sensor_readings((
    select jsonb_build_object('source', 'gw-2', 'device', 'd-M1', 'readings', jsonb_agg(jsonb_build_object(
        'ts', '2024-03-04 07:30'::timestamptz + i * interval '0.1 s', 'kind', 'measure', 'metric', 'y', 'value', case when i = 500 then 6666 else i end)))
    from generate_series(1, 1000) as i
)) ->> 'accepted', '1000', 'a thousand readings in a call');
select is((select array[count(*), sum(length)] from artery_staging.iot_reading_batch), array[1, 1000]::bigint[], 'are one row');
select is((select count(*) from artery_staging.iot_sensor_reading), 0::bigint, 'and no other');
create trigger lock_out before insert on artery_iot.sensor_reading for each row execute function pg_temp.lock_out();
select throws_ok('select pg_temp.sweep()', '55P03', 'busy', 'a fault that passes by itself');
drop trigger lock_out on artery_iot.sensor_reading;
select is((select sum(length) from artery_staging.iot_reading_batch), 1000::bigint, '... leaves the batch where it is');
create trigger trap before insert on artery_iot.sensor_reading for each row execute function pg_temp.trap();
select is(pg_temp.sweep(), 1000::bigint, 'a fault that does not');
drop trigger trap on artery_iot.sensor_reading;
select is((select count(*) from artery_iot.sensor_reading where metric = 'y'), 999::bigint, '... costs one of a thousand');
select is((select source || ' ' || (reasons #>> '{0,code}') from artery_staging.iot_rejected_reading where reading @> '{"metric": "y"}'), 'gw-2 P0666', '... which is kept with its source and its error');
select is((select (select count(*) from artery_staging.iot_reading_batch) + (select count(*) from artery_staging.iot_sensor_reading)), 0::bigint, '... and nothing is left');
-- a time without its zone is the caller's, whoever sweeps
set local time zone 'Asia/Shanghai';
select artery_api_v1.sensor_readings('{"readings": [{"device": "d-M1", "ts": "2024-03-04 20:00", "kind": "measure", "metric": "z", "value": 1}]}');
set local time zone 'UTC';
select pg_temp.sweep();
select is((select ts from artery_iot.sensor_reading where metric = 'z'), '2024-03-04 12:00+00'::timestamptz, 'a time is read where it is handed in');
set local time zone 'Europe/Berlin';

-- the API
select is(artery_api_v1.sensor_readings('{"source": "gw-1", "readings": [{"device": "d-M1", "ts": "2024-03-04T09:00:00Z", "kind": "counter", "good": 20}]}'),
    '{"status": "accepted", "accepted": 1, "rejected": 0, "reasons": []}', 'a batch is accepted');
select is(artery_api_v1.sensor_readings('{"source": "gw-1", "readings": [
    {"device": "d-M1", "ts": "2024-03-04T09:01:00Z", "kind": "counter", "good": "many"}, 7, {"device": "d-M1", "ts": "then", "kind": "heartbeat"},
    {"device": "d-M1", "ts": "2024-03-04T09:02:00Z", "kind": "counter", "good": 30}, {"device": "d-M1", "ts": "2024-03-04T09:03:00Z", "kind": "counter", "good": 1e999}]}') - 'reasons',
    '{"status": "accepted", "accepted": 2, "rejected": 3}', 'what is of another type is rejected, the rest accepted');
select is((select array_agg(reading) from (select reading from artery_staging.iot_rejected_reading where source = 'gw-1' order by id limit 2) as x),
    array['{"device": "d-M1", "ts": "2024-03-04T09:01:00Z", "kind": "counter", "good": "many"}', '7']::jsonb[], 'as it came, too');
select pg_temp.sweep();
select is((select max(good) from artery_iot.sensor_reading), 30::numeric, 'and taken by the sweep');
select throws_ok($$select artery_api_v1.sensor_readings('{"reading": []}')$$, '22023', null, 'no readings: an error');
select throws_ok($$select artery_api_v1.sensor_readings('[]')$$, '22023', null, 'nor an array');
select throws_ok($$select artery_api_v1.sensor_readings('{"timestamp": "now", "metrics": []}')$$, '22023', null, 'nor a payload without a time');
select lives_ok($$select artery_api_v1.sensor_readings('{"readings": []}')$$, 'none at all are fine');

-- Sparkplug
select pg_temp.machine('S1', '1 minute');
update artery_iot.device set code = 'plant/edge/S1', sequence_modulus = 256 where code = 'd-S1';
create function pg_temp.spark(p_type text, p_at timestamptz, p_seq integer, p_metrics jsonb) returns jsonb language sql as $$
    select artery_api_v1.sensor_readings(jsonb_build_object('source', 'edge', 'topic', 'spBv1.0/plant/' || p_type || '/edge/S1',
        'timestamp', (extract(epoch from p_at) * 1000)::bigint, 'seq', p_seq, 'metrics', p_metrics))
$$;
select is(pg_temp.spark('DDATA', '2024-03-04 10:00', 254, '[{"alias": 1, "value": 100}]') ->> 'rejected', '1', 'an alias before its birth is rejected');
select pg_temp.spark('DBIRTH', '2024-03-04 10:00:10', 255, '[{"name": "press/good", "alias": 1, "value": 101}, {"name": "press/state", "alias": 2, "value": "RUNNING"}, {"name": "press/oil", "alias": 3, "value": 70.5}]');
select pg_temp.spark('DDATA', '2024-03-04 10:00:20', 0, '[{"alias": 1, "value": 104}, {"alias": 3, "value": 71}, {"name": "door", "value": true}]');
select pg_temp.spark('DDATA', '2024-03-04 10:00:30', 1, '[{"alias": 2, "value": "down"}, {"name": "press/reason", "value": "JAM"}]');
-- kept back: measured before, sent now
select pg_temp.spark('DDATA', '2024-03-04 10:00:40', 2, jsonb_build_array(jsonb_build_object('alias', 1, 'value', 103, 'is_historical', true, 'timestamp', (extract(epoch from '2024-03-04 10:00:15'::timestamptz) * 1000)::bigint)));
select pg_temp.sweep();
select set_eq($$select kind, metric, value, good, state, reason_code, ts::time, historical from artery_iot.sensor_reading as r inner join artery_iot.device as d on d.id = r.device_id where d.code = 'plant/edge/S1' and kind <> 'heartbeat' order by ts, kind, metric$$,
    $$values ('counter' collate "C", 'press/good' collate "C", null::float8, 101::numeric, null collate "C", null collate "C", '10:00:10'::time, false), ('measure', 'press/oil', 70.5, null, null, null, '10:00:10', false), ('state', '', null, null, 'running', null, '10:00:10', false),
    ('counter', 'press/good', null, 103, null, null, '10:00:15', true),
    ('counter', 'press/good', null, 104, null, null, '10:00:20', false), ('measure', 'door', 1, null, null, null, '10:00:20', false), ('measure', 'press/oil', 71, null, null, null, '10:00:20', false), ('state', '', null, null, 'down', 'JAM', '10:00:30', false)$$,
    'metrics become readings, by name or alias');
select is_empty('select * from artery_iot.sequence_event', '254, 255, 0, 1, 2: nothing is missing, as the numbers wrap');
select is(artery_staging.resubmit_readings(array(select id from artery_staging.iot_rejected_reading where reading ? 'metrics'), 'born'), 1::bigint, 'after the birth the alias is known');
select pg_temp.sweep();
select is((select sum(good) from artery_iot.production as p inner join artery_iot.device as d on d.id = p.device_id where d.code = 'plant/edge/S1'), 4::numeric, '100 to 104');
select pg_temp.spark('DDATA', '2024-03-04 10:00:50', 6, '[]'), pg_temp.spark('DBIRTH', '2024-03-04 10:01:00', 0, '[]');
select pg_temp.sweep();
select results_eq($$select sequence, expected, missing from artery_iot.sequence_event order by sent_at$$, $$values (6::bigint, 3::bigint, 3::bigint), (0::bigint, 7::bigint, null::bigint)$$, 'three are missing; a birth begins anew');
select pg_temp.spark('DDATA', '2024-03-04 10:00:44', 3, '[]'), pg_temp.spark('DDATA', '2024-03-04 10:00:46', 4, '[]');
select pg_temp.sweep();
select results_eq($$select sequence, expected, missing from artery_iot.sequence_event where missing > 0$$, $$values (6::bigint, 5::bigint, 1::bigint)$$, 'late messages close the gap');
-- plain numbers that rise for ever
insert into artery_staging.iot_sensor_reading (device, ts, kind, sequence) select 'd-M1', '2024-03-04 11:00'::timestamptz + n * interval '1 s', 'heartbeat', case when n > 8 then n - 8 else n end
from unnest('{1,2,4,8,9,10,600}'::int[]) as n;
select pg_temp.sweep();
select results_eq($$select sequence, expected, missing from artery_iot.sequence_event as e inner join artery_iot.device as d on d.id = e.device_id where d.code = 'd-M1' order by sent_at$$,
    $$values (4::bigint, 3::bigint, 1::bigint), (8, 5, 3), (1, 9, null), (592, 3, 589)$$, 'gaps and a new beginning');

-- live
update artery_iot.device set heartbeat_timeout = '1 hour' where code = 'd-M1';
select pg_temp.state('M1', now() - interval '10 min', 'running'), pg_temp.beat('M1', now() - interval '1 min', now() - interval '1 min');
select pg_temp.sweep();
select set_eq($$select state, since, last_seen from artery_iot.equipment_live where equipment_code = 'M1'$$, $$values ('running', now() - interval '10 min', now() - interval '1 min')$$, 'the live state');
select pg_temp.state('M1', now() - interval '20 min', 'down', 'JAM'), pg_temp.state('M1', now() - interval '2 day', 'idle');
select pg_temp.sweep();
select set_eq($$select state, since, last_seen from artery_iot.equipment_live where equipment_code = 'M1'$$, $$values ('running', now() - interval '10 min', now() - interval '1 min')$$, 'late readings do not touch it');
select set_eq($$select state, since, last_seen from artery_iot.equipment_live where equipment_code = 'S1'$$, $$values ('unknown', '2024-03-04 10:02'::timestamptz, '2024-03-04 10:01'::timestamptz)$$, 'not heard of: unknown, since the timeout');
select pg_temp.state('M1', now(), 'offline');
select pg_temp.sweep();
select is((select state from artery_iot.live_states('{M1}')), 'unknown', 'a good-bye is unknown at once');

-- storage
select ok((select count(*) >= 8 from pg_inherits where inhparent = 'artery_iot.sensor_reading'::regclass) or artery.create_partitions('infinity') > 0, 'days are made ahead');
select is((select count(distinct date_trunc('day', ts, 'UTC')) from artery_iot.sensor_reading), (select count(distinct tableoid) from artery_iot.sensor_reading), 'a partition a day');
update artery.partitioning set keep = '90 days' where parent = 'artery_iot.sensor_reading';
select pg_temp.beat('M1', now() - interval '89 days 1 hour', now() - interval '89 days 1 hour'), pg_temp.beat('M1', now() - interval '88 days', now() - interval '88 days');
select pg_temp.sweep();
select is((select count(*) from pg_temp.reasons() where reading @> '{"kind": "heartbeat"}' and codes = '["IN402"]' and (reading ->> 'ts')::timestamptz between now() - interval '100 days' and now()), 1::bigint, 'what is older than is kept is rejected');
select ok(artery.drop_partitions('infinity') >= 1, 'old days are dropped');
select is((select array_agg(distinct ts > now() - interval '91 days') from artery_iot.sensor_reading), '{t}', 'and their readings gone');
select ok((select count(*) from artery_iot.production) > 0, 'the roll-ups stay');
update artery_iot.setting set rejected_keep = '1 day';
update artery_staging.iot_rejected_reading set rejected_at = now() - interval '2 days' where source = 'gw-1';
select is(artery_staging.delete_rejected_readings('infinity'), 4::bigint, 'rejected readings go by age');

select throws_ok('select artery_iot.use_timescaledb()', '0A000', null, 'no hypertable without the extension')
where not exists (select from pg_extension where extname = 'timescaledb');

-- rights
set local role artery_app;
select lives_ok($$insert into artery_staging.iot_sensor_reading (device, ts, kind) values ('x', now(), 'heartbeat')$$, 'the application may insert');
select throws_ok($$insert into artery_staging.iot_sensor_reading (device, source) values ('x', 'me')$$, '42501', null, 'but not name its source');
select throws_ok($$select * from artery_staging.iot_sensor_reading$$, '42501', null, 'nor read');
reset role;
select * from finish();
rollback;
