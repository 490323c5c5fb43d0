begin;
select no_plan();
\ir _setup.psql
select t.runner() as r \gset
select t.endpoint('o', '{"max_attempts": 2, "backoff_base": "1 ms"}') as o \gset
select t.endpoint('strict', '{"idempotent": false}') as strict \gset
create function t.add(p_key text, p_topic text default 'o', p_priority integer default null) returns bigint
language sql as $$ select artery.enqueue_task(p_topic, p_ordering_key => p_key, p_priority => p_priority::smallint) $$;
create function t.answer(p_runner bigint, p_id bigint, p_status integer) returns void language plpgsql as $$
begin
    if (artery.report_results(p_runner, jsonb_build_array(t.result(p_id, p_status))) ->> 'applied')::int <> 1 then
        raise exception 'task % was not under way', p_id;
    end if;
end $$;

select t.add('A') as a1 \gset
select t.add('A') as a2 \gset
select t.add('A') as a3 \gset
select t.add('B') as b1 \gset
select t.add('A', 'strict') as s1 \gset
select t.add(null) as n1 \gset
select t.add(null) as n2 \gset
select is(t.claim(:r), array[:a1, :b1, :s1, :n1, :n2]::bigint[], 'of each key of each endpoint only the first; without a key all');
select is(t.claim(:r), '{}', 'the others wait');
select t.answer(:r, :b1, 200);
select is(t.claim(:r), '{}', '... whatever ends under another key');
select t.answer(:r, :a1, 503);
select is((t.task(:a2)).queued, true, 'a first that failed holds its key back');
select pg_sleep(0.005);
select is(t.claim(:r), array[:a1]::bigint[], '... and is tried again');
select t.add('C') as c1 \gset
select t.answer(:r, :a1, 503);
select is(t.status(:a1), 'dead', 'dead');
select is(t.claim(:r), array[:c1]::bigint[], 'a dead first holds back its key and no other');
select artery.retry_task(:a1);
select is(t.claim(:r), array[:a1]::bigint[], 'retried, it goes again before the others');
select t.answer(:r, :a1, 200);
select is((t.task(:a2)).queued, false, 'its success lets the next go');
select is((t.task(:a3)).queued, true, '... and only the next');
select is(t.claim(:r), array[:a2]::bigint[], 'which is claimed');
select t.add('A') as a4 \gset
select t.answer(:r, :a2, 400);
select is(t.claim(:r), '{}', 'a refused one holds the key');
select artery.cancel_task(:a4);
select is(t.claim(:r), '{}', 'cancelling the last lets nobody pass');
select artery.cancel_task(:a2);
select is(t.claim(:r), array[:a3]::bigint[], 'cancelling the first lets the next go');
select t.answer(:r, :a3, 200);
select is((t.task(:a4)).status, 'cancelled', 'what was cancelled while it waited stays so');
select t.add('A') as a5 \gset
select is((t.task(:a5)).queued, false, 'a key whose tasks have all ended starts anew');

-- held
select t.answer(:r, :s1, null);
select t.add('A', 'strict') as s2 \gset
select is(t.status(:s1), 'held', 'outcome unknown');
select is(t.claim(:r), array[:a5]::bigint[], 'a held first holds back its key');
select artery.cancel_task(:s1);
select is(t.claim(:r), array[:s2]::bigint[], '... until a person decides');

-- priority is for tasks that are free to go: within a key the order of enqueueing holds
select t.add('P', p_priority => 9) as p1 \gset
select t.add('P', p_priority => 0) as p2 \gset
select is(t.claim(:r), array[:p1]::bigint[], 'a later task of the key does not overtake by its priority');
select t.answer(:r, :p1, 200);
select is(t.claim(:r), array[:p2]::bigint[], '... it follows');

-- two transactions that did not see each other: both believe to be first, or nobody lets the second go
select t.add('R') as r1 \gset
select t.add('R') as r2 \gset
update artery.integration_task set queued = false where id = :r2;
select is(t.claim(:r), array[:r1]::bigint[], 'a later one that believes to be first is not claimed before the first');
select is(t.claim(:r), '{}', '... nor while that is under way');
select t.answer(:r, :r1, 200);
select t.make_due();
select is(t.claim(:r), array[:r2]::bigint[], '... but after it');
select t.add('R') as r3 \gset
select t.answer(:r, :r2, 200);
update artery.integration_task set queued = true where id = :r3;
select is(t.claim(:r), '{}', 'a first that nobody let go waits');
select is(artery.unblock_keys('infinity'), 1::bigint, '... until the sweep finds it');
select is(artery.unblock_keys('infinity'), 0::bigint, '... once');
select is(t.claim(:r), array[:r3]::bigint[], 'and goes');
select t.add('R') as r4 \gset
select is(artery.unblock_keys('infinity'), 0::bigint, 'the sweep lets nobody go who has one before it');

-- a delayed head
select artery.enqueue_task('o', p_ordering_key => 'D', p_due_at => clock_timestamp() + interval '1 hour') as d1 \gset
select t.add('D') as d2 \gset
select is(t.claim(:r), '{}', 'a delayed first delays its key');

-- leases and keys
select t.add('L') as l1 \gset
select t.add('L') as l2 \gset
select t.claim(:r);
select artery.release_leases(:r, array[:l1], array[1]);
select is(t.claim(:r), array[:l1]::bigint[], 'given back, it is still the first');
update artery.integration_task set locked_until = clock_timestamp() where id = :l1;
select artery.expire_leases('infinity');
select is(t.claim(:r), array[:l1]::bigint[], 'taken back, it is still the first');
-- a report of many, among them first and last
select t.add('M' || i % 10) from generate_series(1, 30) as i \g /dev/null
select is(cardinality(t.claim(:r)), 10, 'ten keys, ten firsts');
select artery.report_results(:r, (select jsonb_agg(t.result(x.id, 200)) from artery.integration_task as x where x.ordering_key like 'M%' and x.status = 'processing'));
select is(cardinality(t.claim(:r)), 10, 'a batch of ends lets one go of each key');

select * from finish();
rollback;
