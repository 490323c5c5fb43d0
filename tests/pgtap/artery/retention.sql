begin;
select no_plan();
\ir _setup.psql
select t.endpoint('e') as e \gset
create function t.partitions() returns setof text language sql as $$
    select c.relname || ' ' || pg_get_expr(c.relpartbound, c.oid) from pg_inherits as i inner join pg_class as c on c.oid = i.inhrelid
    where i.inhparent = 'artery.cloud_log'::regclass
$$;
create function t.drop_all() returns void language plpgsql as $$
declare
    v text;
begin
    for v in select inhrelid::regclass::text from pg_inherits where inhparent = 'artery.cloud_log'::regclass loop
        execute 'drop table ' || v;
    end loop;
end $$;

-- partitions ahead, of this table alone
delete from artery.partitioning where parent <> 'artery.cloud_log';
select t.drop_all();
select is(artery.create_partitions('infinity'), 8::bigint, 'a partition is made for today and each of the seven days ahead');
select is(artery.create_partitions('infinity'), 0::bigint, '... once');
select is((select max(substring(p from '\d{8}')) from t.partitions() as p), to_char((now() + interval '7 days') at time zone 'UTC', 'YYYYMMDD'), 'up to the seventh day');
select is((select count(*)::int from pg_indexes where schemaname = 'artery' and tablename like 'cloud\_log\_2%'), 16, 'each has the log''s two indexes');

-- days are UTC days, wherever the session is: here one has 25 hours, there 23
select t.drop_all();
set timezone = 'Europe/Berlin';
select artery._ensure_partition('artery.cloud_log', '2026-10-24 22:30Z'), artery._ensure_partition('artery.cloud_log', '2026-10-25 00:30Z'),
    artery._ensure_partition('artery.cloud_log', '2026-10-26 00:10Z'), artery._ensure_partition('artery.cloud_log', '2026-03-29 12:00Z'),
    artery._ensure_partition('artery.cloud_log', '2026-03-30 00:00Z'), artery._ensure_partition('artery.cloud_log', '2026-03-29 23:59:59.999999Z');
set timezone = 'UTC';
select set_eq('select t.partitions()', $$values
    ('cloud_log_20261024 FOR VALUES FROM (''2026-10-24 00:00:00+00'') TO (''2026-10-25 00:00:00+00'')'),
    ('cloud_log_20261025 FOR VALUES FROM (''2026-10-25 00:00:00+00'') TO (''2026-10-26 00:00:00+00'')'),
    ('cloud_log_20261026 FOR VALUES FROM (''2026-10-26 00:00:00+00'') TO (''2026-10-27 00:00:00+00'')'),
    ('cloud_log_20260329 FOR VALUES FROM (''2026-03-29 00:00:00+00'') TO (''2026-03-30 00:00:00+00'')'),
    ('cloud_log_20260330 FOR VALUES FROM (''2026-03-30 00:00:00+00'') TO (''2026-03-31 00:00:00+00'')')$$,
    'days of 23 and 25 hours leave no gap and no overlap');
set timezone = 'Pacific/Kiritimati';
select lives_ok($$select artery.create_partitions('infinity')$$, 'at the edge of the world too');
reset timezone;

-- partitions past their age
select t.drop_all();
select artery._ensure_partition('artery.cloud_log', now() - d * interval '1 day') from unnest(array[0, 1, 88, 89, 90, 91, 92, 400]) as d;
create table artery.cloud_log_other partition of artery.cloud_log for values from ('2001-01-01') to ('2001-01-02');
select is(artery.drop_partitions('-infinity'), 0::bigint, 'a sweep past its time drops nothing');
select is(artery.drop_partitions('infinity'), 3::bigint, 'days that are wholly older than 90 days go');
select set_eq($$select substring(p from 'log_(\w+)') from t.partitions() as p$$, $$select to_char((now() - d * interval '1 day') at time zone 'UTC', 'YYYYMMDD')
    from unnest(array[0, 1, 88, 89, 90]) as d union all values ('other')$$, 'the others stay, and what somebody else made');
update artery.partitioning set keep = null;
select artery._ensure_partition('artery.cloud_log', now() - interval '500 days');
select is(artery.drop_partitions('infinity'), 0::bigint, 'kept for ever where no age is set');
select throws_ok($$update artery.partitioning set keep = '1 hour'$$, '23514', null, 'today''s cannot be dropped by a small age');

-- ended tasks
create temp table made (id bigint, name text);
create function t.old(p_name text, p_status text, p_ended interval, p_handler text default null) returns void language sql as $$
    with task as (
        insert into artery.integration_task (request_id, topic, endpoint_id, status, priority, max_attempts, due_at, method, path, content_type, request_hash,
            created_at, ended_at, handler_status, document_id, locked_until)
        select gen_random_uuid(), 'e', id, p_status, 5, 3, now(), 'POST', '/', '', '', now() - interval '1 year', now() - p_ended, p_handler, p_name,
            case p_status when 'processing' then now() end
        from artery.endpoint where name = 'e' returning id, document_id)
    insert into made select * from task
$$;
select t.old(s, s, '91 days') from unnest(array['sent', 'cancelled', 'compensated', 'dead', 'held', 'failed', 'pending', 'processing', 'compensating']) as s;
select t.old('young', 'sent', '89 days');
select t.old('owed', 'sent', '91 days', 'failed');
select t.old('handled', 'sent', '91 days', 'done');
insert into artery.unhandled_reply select id, '{}' from made where name = 'owed';
select is(artery.delete_ended_tasks('infinity'), 4::bigint, 'ended tasks past the retention go');
select set_eq('select document_id from artery.integration_task', $$values ('dead'), ('held'), ('failed'), ('pending'), ('processing'), ('compensating'), ('young'), ('owed')$$,
    'but nothing that has not ended well, nor whose answer is not handled, nor what is young');
select is((select count(*)::int from artery.unhandled_reply), 1, 'the answer still owed stays');
select t.old('many', 'sent', '91 days') from generate_series(1, 11000) \g /dev/null
select is(artery.delete_ended_tasks('-infinity'), 4992::bigint, 'a sweep past its time stops after a batch (of 5,000 looked at)');
select is(artery.delete_ended_tasks('infinity'), 11000::bigint - 4992, 'the next goes on');
update artery.retention set ended_tasks = '80 days';
select is(artery.delete_ended_tasks('infinity'), 1::bigint, 'the retention is a setting');
select throws_ok($$update artery.retention set ended_tasks = '1 minute'$$, '23514', null, '... with a floor');
select throws_ok($$insert into artery.retention (only_row) values (false)$$, '23514', null, '... of one row');
delete from artery.integration_task;
select is(artery.delete_ended_tasks('infinity'), 0::bigint, 'an empty outbox has nothing to delete');

-- no plan of a sweep may walk the whole outbox, whatever the statistics were
insert into artery.integration_task (request_id, topic, endpoint_id, status, priority, max_attempts, due_at, method, path, content_type, request_hash, locked_until, runner_id)
select gen_random_uuid(), 'e', e.id, 'processing', 5, 3, now(), 'POST', '/', '', '', now() - interval '1 s', 1 from artery.endpoint as e, generate_series(1, 3000) where e.name = 'e';
analyze artery.integration_task;
set enable_seqscan = off;
create function t.plan(p_query text) returns text language plpgsql as $$
declare
    v_line text;
    v_plan text := '';
begin
    for v_line in execute 'explain ' || p_query loop v_plan := v_plan || v_line || E'\n'; end loop;
    return v_plan;
end $$;
select matches(t.plan((select 'select ' || substring(prosrc from 'expired as materialized \(\s+select(.*?for update of t skip locked)') from pg_proc where proname = 'expire_leases')),
    'integration_task_processing_idx', 'expired leases are looked for among what is processing, though all of it once was');

select * from finish();
rollback;
