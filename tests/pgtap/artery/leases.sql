begin;
select no_plan();
\ir _setup.psql
select t.runner() as r1 \gset
select t.runner() as r2 \gset
select t.endpoint('idem', '{"max_attempts": 2}') as idem \gset
select t.endpoint('strict', '{"idempotent": false}') as strict \gset
create function t.handler(jsonb) returns void language sql as 'select 1';
create function t.expire() returns bigint language sql as $$ select artery.expire_leases('infinity') $$;
create function t.run_out(p_id bigint) returns void language sql as $$
    update artery.integration_task as x set locked_until = clock_timestamp() - interval '1 ms' where x.id = p_id
$$;

-- renewal
select artery.enqueue_task('idem') as a \gset
select artery.enqueue_task('idem') as b \gset
select t.claim(:r1, 100, '5 seconds');
select is(artery.renew_leases(:r1, array[:a, :b], array[1, 1], '1 hour'), array[:a, :b]::bigint[], 'a runner renews what is its own');
select cmp_ok((t.task(:a)).locked_until, '>', clock_timestamp() + interval '59 minutes', '... on the database''s clock');
select is((t.task(:a)).attempt, 1, '... which is no new attempt');
select is(artery.renew_leases(:r2, array[:a], array[1]), '{}', 'another runner''s lease is not renewed');
select is(artery.renew_leases(:r1, array[:a], array[2]), '{}', 'nor another attempt''s');
select is(artery.renew_leases(:r1, array[:a, :b], array[1]), array[:a]::bigint[], 'an id without its attempt is not');
select is(artery.renew_leases(:r1, '{}', '{}'), '{}', 'nothing is renewed of nothing');
select is(artery.renew_leases(:r1, null, null), '{}', 'nor of null');
select cmp_ok((t.task(:a)).locked_until, '>', clock_timestamp() + interval '20 s', 'what was refused changed nothing');
select t.report(:r1, t.result(:b, 200));
select is(artery.renew_leases(:r1, array[:b], array[1]), '{}', 'an ended task is not renewed');
select is(t.status(:b), 'sent', '... and stays ended');

-- expiry
select is(t.expire(), 0::bigint, 'a running lease is left alone');
select t.run_out(:a);
select is(artery.renew_leases(:r1, array[:a], array[1]), array[:a]::bigint[], 'a lease that has run out and was not taken back can be renewed');
select t.run_out(:a);
select is(t.expire(), 1::bigint, 'one that has run out is taken back');
select results_eq(format('select status, failures, locked_until, error_class, error ->> ''kind'', due_at <= clock_timestamp(),
    history -> -1 ->> ''status'' from artery.integration_task where id = %s', :a),
    $$values ('failed', 1, null::timestamptz, 'lease_expired', 'lease_expired', true, 'failed')$$, 'it is due again at once, and says why');
select is(artery.renew_leases(:r1, array[:a], array[1]), '{}', 'its runner hears that it is lost');
select is(t.report(:r1, t.result(:a, 200, p_attempt => 1)) ->> 'applied', '0', '... and its late report changes nothing');
select is(t.claim(:r2), array[:a]::bigint[], 'another runner gets it');
select is(t.report(:r1, t.result(:a, 200, p_attempt => 1)) ->> 'applied', '0', 'the late report changes nothing then either');
select is(artery.release_leases(:r1, array[:a], array[1]), 0, 'nor does a late release');
select is((t.task(:a)).runner_id, :r2::bigint, 'it is the other''s');
select t.run_out(:a);
update artery.route set reply_handler = 't.handler(jsonb)' where topic = 'idem';
select t.expire();
select results_eq(format('select status, failures, ended_at is not null, handler_status from artery.integration_task where id = %s', :a),
    $$values ('dead', 2, true, 'failed')$$, 'the last attempt lost: dead, and its reply handler is owed the news');
select results_eq(format('select reply ->> ''outcome'', reply -> ''error'' ->> ''kind'', (reply ->> ''attempt'')::int from artery.unhandled_reply where task_id = %s', :a),
    $$values ('dead', 'lease_expired', 2)$$, '... which is kept');
select artery.rerun_handlers('infinity');
select is((t.task(:a)).handler_status, 'done', '... and brought by the sweep');
select artery.enqueue_task('strict') as s \gset
select t.claim(:r1);
select t.run_out(:s);
select t.expire();
select is(t.status(:s), 'held', 'outcome unknown and the endpoint not idempotent: held for a person');
select is(t.claim(:r1), '{}', '... and not sent again');

-- in batches
select artery.enqueue_task('idem') from generate_series(1, 2500) \g /dev/null
select cardinality(t.claim(:r1, 5000));
update artery.integration_task set locked_until = clock_timestamp() where status = 'processing';
select is(artery.expire_leases('-infinity'), 1000::bigint, 'a sweep past its time stops after a batch');
select is(t.expire(), 1500::bigint, 'the next does the rest');

-- release
delete from artery.integration_task;
select artery.enqueue_task('idem') as c \gset
select t.claim(:r1);
select is(artery.release_leases(:r2, array[:c], array[1]), 0, 'another runner''s task cannot be given back');
select is(artery.release_leases(:r1, array[:c], array[2]), 0, 'nor another attempt''s');
select is(t.status(:c), 'processing', '... it stays');
select is(artery.release_leases(:r1, array[:c], array[1]), 1, 'a runner gives back its own');
select results_eq(format('select status, failures, locked_until, due_at <= clock_timestamp(), history from artery.integration_task where id = %s', :c),
    $$values ('pending', 0, null::timestamptz, true, null::jsonb)$$, 'unsent, at no cost, due at once');
select is(artery.release_leases(:r1, array[:c], array[1]), 0, 'once only');
select is(t.claim(:r2), array[:c]::bigint[], 'another may take it');

-- runners
select artery.register_runner('n', 'h', 7, 'v1') as r3 \gset
select results_eq(format('select name, host, pid, version, asleep, stopped_at from artery.runner where id = %s', :r3),
    $$values ('n', 'h', 7, 'v1', false, null::timestamptz)$$, 'a runner registers');
select artery.runner_heartbeat(:r3, '{"sent": 3}');
select artery.runner_heartbeat(:r3);
select is((select stats from artery.runner where id = :r3), '{"sent": 3}', 'a heartbeat without figures keeps the last ones');
update artery.runner set seen_at = clock_timestamp() - interval '61 s', asleep = true where id in (:r2, :r3);
select is(artery.forget_runners('infinity'), 2::bigint, 'who was not seen for a minute is taken for dead');
select is(artery.forget_runners('infinity'), 0::bigint, '... once');
select is((select asleep from artery.runner where id = :r3), false, '... and notified no more');
select is(artery.renew_leases(:r2, array[:c], array[(t.task(:c)).attempt]), array[:c]::bigint[], 'its leases are its own until they run out');
update artery.runner set stopped_at = clock_timestamp() - interval '8 days' where id in (:r2, :r3);
select artery.forget_runners('infinity');
select results_eq('select id from artery.runner where stopped_at is not null', format('values (%s::bigint)', :r2),
    'the long stopped are removed, but for one whose task is under way');

-- sleep
delete from artery.integration_task;
select set_config('artery.claim_cursor', '', false);
select is(artery.runner_sleep(:r1), null, 'with nothing to come there is no end to the sleep');
select artery.enqueue_task('idem', p_due_at => clock_timestamp() + interval '30 s');
select artery.enqueue_task('strict', p_due_at => clock_timestamp() + interval '90 s', p_priority => 1::smallint);
select ok(artery.runner_sleep(:r1) between 28 and 30, 'the sleep ends with the next due task');
select artery.enqueue_task('idem');
select ok(artery.runner_sleep(:r1) between 28 and 30, 'what is due already is none to wait for: a claim decides on it');
update artery.endpoint set enabled = false where id = :idem;
select ok(artery.runner_sleep(:r1) between 80 and 90, 'a disabled endpoint wakes nobody');
update artery.endpoint set enabled = true where id = :idem;
insert into artery.rate_limiter (endpoint_id, blocked_until) values (:idem, clock_timestamp() + interval '50 s');
select ok(artery.runner_sleep(:r1) between 40 and 50, 'one told to wait wakes us when the wait is over, for what is due then');
select is((select asleep from artery.runner where id = :r1), true, 'it is marked asleep');

select * from finish();
rollback;
