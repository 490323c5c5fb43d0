begin;
select no_plan();
\ir _setup.psql
select t.runner() as r \gset
select t.endpoint('e', '{"max_attempts": 1}') as e \gset
select t.endpoint('f', '{"idempotent": false, "max_attempts": 9}') as f \gset

-- every transition that there could be: only those of the life cycle pass
create temp table state (name text);
insert into state values ('pending'), ('processing'), ('sent'), ('failed'), ('dead'), ('compensating'), ('compensated'), ('cancelled'), ('held');
create temp table legal (old text, new text);
insert into legal values
('pending', 'processing'), ('failed', 'processing'), ('processing', 'sent'), ('processing', 'failed'), ('processing', 'dead'),
('processing', 'held'), ('processing', 'pending'), ('pending', 'cancelled'), ('failed', 'cancelled'), ('failed', 'pending'),
('dead', 'pending'), ('dead', 'cancelled'), ('dead', 'compensating'), ('held', 'pending'), ('held', 'sent'), ('held', 'dead'),
('held', 'cancelled'), ('held', 'compensating'), ('sent', 'compensating'), ('compensating', 'compensated'),
('compensating', 'sent');
create function t.change(p_old text, p_new text) returns text language plpgsql as $$
declare
    v_id bigint;
begin
    insert into artery.integration_task (request_id, topic, endpoint_id, status, priority, max_attempts, due_at, method, path,
        content_type, request_hash, locked_until)
    values (gen_random_uuid(), 'e', (select id from artery.endpoint where name = 'e'), p_old, 5, 3, 'infinity', 'POST', '/', '', '',
        case p_old when 'processing' then now() end)
    returning id into v_id;
    update artery.integration_task set status = p_new, locked_until = case p_new when 'processing' then now() end where id = v_id;
    return 'passes';
exception when others then
    return sqlstate;
end $$;
select is(t.change(o.name, n.name), case when o.name = n.name or l.old is not null then 'passes' else 'IN004' end, o.name || ' -> ' || n.name)
from state as o cross join state as n left join legal as l on l.old = o.name and l.new = n.name;
select throws_ok($$insert into artery.integration_task (request_id, topic, endpoint_id, status, priority, max_attempts, due_at, method, path,
    content_type, request_hash) values (gen_random_uuid(), 'e', 1, 'processing', 5, 3, now(), 'POST', '/', '', '')$$, '23514', null,
    'nothing is in processing without a lease');
delete from artery.integration_task;

-- a retry sends what was sent before; an undo is a task of its own
select is_empty($$with recursive way as (
    select new from legal where old = 'compensating'
    union select l.new from way as w inner join legal as l on l.old = w.new and l.old <> 'compensating'
) select new from way where new in ('pending', 'processing', 'failed')$$, 'from being undone no way leads back to being sent');

-- retry
select throws_ok('select artery.retry_task(-1)', 'IN005', null, 'a task that is not cannot be retried');
select throws_ok('select artery.retry_task(null)', 'IN005', null, 'nor one that was not named');
select artery.enqueue_task('e', p_document_type => 'mo', p_document_id => 'M1') as a \gset
select throws_ok(format('select artery.retry_task(%s)', :a), 'IN006', null, 'a pending task cannot');
select t.claim(:r);
select throws_ok(format('select artery.retry_task(%s)', :a), 'IN006', null, 'one under way cannot');
select throws_ok(format('select artery.cancel_task(%s)', :a), 'IN006', null, 'nor can it be cancelled');
select t.report(:r, t.result(:a, 503));
select is(t.status(:a), 'dead', 'with one attempt it is dead');
select (t.task(:a)).request_id as rid, (t.task(:a)).request_hash as rhash \gset
select artery.retry_task(:a, 'MES is back');
select results_eq(format('select status, failures, attempt, request_id, request_hash, ended_at, due_at <= clock_timestamp(), history -> -1 ->> ''action'',
    history -> -1 ->> ''reason'', history -> -1 ->> ''by'' = session_user from artery.integration_task where id = %s', :a),
    format($$values ('pending', 0, 1, %L::uuid, %L::bytea, null::timestamptz, true, 'retry', 'MES is back', true)$$, :'rid', :'rhash'),
    'retried: due now, attempts anew, the same Request-ID and bytes, who and why in its history');
select t.claim(:r);
select t.report(:r, t.result(:a, 200));
select throws_ok(format('select artery.retry_task(%s)', :a), 'IN006', null, 'a sent task cannot be retried');
select throws_ok(format('select artery.cancel_task(%s)', :a), 'IN006', null, 'nor cancelled');
select isnt(coalesce(detail, ''), '', 'the refusal has a detail') from t.error(format('select artery.retry_task(%s)', :a));
select isnt(coalesce(hint, ''), '', 'and a hint') from t.error(format('select artery.retry_task(%s)', :a));
select isnt(coalesce(hint, ''), '', 'the refusal to cancel too') from t.error(format('select artery.cancel_task(%s)', :a));

-- cancel
select throws_ok('select artery.cancel_task(-1)', 'IN005', null, 'a task that is not cannot be cancelled');
select artery.enqueue_task('e') as c \gset
select artery.cancel_task(:c, 'order withdrawn');
select results_eq(format('select status, ended_at is not null, history -> -1 ->> ''reason'' from artery.integration_task where id = %s', :c),
    $$values ('cancelled', true, 'order withdrawn')$$, 'cancelled, with its reason');
select is(t.claim(:r), '{}', 'it is not sent');
select throws_ok(format('select artery.cancel_task(%s)', :c), 'IN006', null, 'once only');
select throws_ok(format('select artery.retry_task(%s)', :c), 'IN006', null, 'a cancelled task stays so');

-- many at once
create temp table made as
select artery.enqueue_task(case when i % 2 = 0 then 'e' else 'f' end, p_document_type => 'mo', p_document_id => 'D' || i % 3) as id, i
from generate_series(1, 12) as i;
select t.claim(:r);
select t.report(:r, t.result(id, case when i % 2 = 0 then 400 when i < 6 then 503 end)) from made;
select is((select string_agg(distinct status, ' ' order by status) from artery.integration_task where id in (select id from made)), 'dead failed held', 'dead, failed and held ones');
create temp table bad (filter jsonb);
insert into bad values ('{}'), (null), ('{"topik": "e"}'), ('{"status": "sent"}'), ('{"status": "processing"}'), ('{"topic": null}'),
    ('{"topic": "e", "document_id": null}');
select is(e.state, 'IN014', format('no retry by the filter %s', coalesce(filter, 'null'))) from bad, t.error(format('select artery.retry_tasks(%L, null)', filter)) as e;
select isnt(coalesce(e.hint, ''), '', '... and a hint how') from bad, t.error(format('select artery.retry_tasks(%L, null)', filter)) as e;
select is(artery.retry_tasks('{"topic": "none"}', null), 0::bigint, 'a filter that nothing meets retries nothing');
savepoint s;
select is(artery.retry_tasks('{"topic": "e"}', 'all'), 6::bigint, 'by topic');
rollback to s;
select is(artery.retry_tasks('{"endpoint": "f"}', 'all'), 6::bigint, 'by endpoint');
rollback to s;
select is(artery.retry_tasks('{"status": "held"}', 'all'), 3::bigint, 'by status');
rollback to s;
select is(artery.retry_tasks('{"error_class": "refused", "document_id": "D0"}', 'all'), 2::bigint, 'by error class and document');
rollback to s;
select is(artery.retry_tasks('{"document_type": "mo", "limit": 5}', 'all'), 5::bigint, 'up to a limit');
rollback to s;
select is(artery.retry_tasks('{"created_before": "2001-01-01"}', 'all'), 0::bigint, 'by time, before');
select is(artery.retry_tasks('{"created_after": "2001-01-01"}', 'all'), 12::bigint, 'by time, after');
select is((select count(*)::int from made, lateral t.task(id) as x where x.status = 'pending' and x.failures = 0 and x.history -> -1 ->> 'reason' = 'all'), 12, 'all are due with their attempts anew');
select is(artery.retry_tasks('{"topic": "e"}', 'again'), 0::bigint, 'once only');

-- an old end that its handler has not heard of is void with the retry
create function t.broken(jsonb) returns void language plpgsql as $$ begin raise exception 'no: %', $1 ->> 'outcome'; end $$;
update artery.route set reply_handler = 't.broken(jsonb)' where topic = 'e';
select artery.enqueue_task('e') as h \gset
select artery.enqueue_task('e') as h2 \gset
select t.claim(:r);
select t.report(:r, t.result(:h, 400), t.result(:h2, 400));
select is((select count(*)::int from artery.unhandled_reply), 2, 'a dead end is kept for its handler');
select artery.retry_task(:h);
select artery.retry_tasks('{"status": "dead"}', 'x');
select is((select count(*)::int from artery.unhandled_reply), 0, 'a retry takes it back');
select is((select count(*)::int from artery.integration_task where id in (:h, :h2) and handler_status is not null), 0, '... wholly');
select t.claim(:r);
select t.report(:r, t.result(:h, 200));
select is((select reply ->> 'outcome' from artery.unhandled_reply where task_id = :h), 'sent', 'the new end is what the handler is owed');

select * from finish();
rollback;
