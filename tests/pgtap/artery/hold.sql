begin;
select no_plan();
\ir _setup.psql
select t.runner() as r \gset
select t.endpoint('e') as e \gset
select t.endpoint('f') as f \gset
create function t.due(p_id bigint) returns timestamptz language sql as $$ select (t.task(p_id)).due_at $$;

-- one
select throws_ok('select artery.hold_task(-1, ''x'')', 'IN005', null, 'a task that is not cannot be put on hold');
select artery.enqueue_task('e', p_document_id => 'A') as a \gset
select artery.enqueue_task('e', p_document_id => 'B', p_due_at => now() + interval '1 hour') as b \gset
select t.due(:b) as due \gset
select throws_ok(format('select artery.hold_task(%s, %L)', :a, ''), 'IN014', null, 'not without a reason');
select throws_ok(format('select artery.hold_task(%s, null)', :a), 'IN014', null, '... nor with none');
select throws_ok(format('select artery.release_task(%s)', :a), 'IN006', null, 'what is not on hold is not released');
select artery.hold_task(:a, 'drawing is changed');
select artery.hold_task(:b, 'as well');
select is(t.claim(:r), '{}', 'no claim gets what is on hold');
select is(artery.runner_sleep(:r), null, 'no runner wakes for it');
select results_eq(format('select status, attempt, history -> -1 ->> ''action'', history -> -1 ->> ''reason'', history -> -1 ->> ''by'' = session_user
    from artery.integration_task where id = %s', :a), $$values ('pending', 0, 'hold', 'drawing is changed', true)$$, 'it waits, and tells who and why');
select throws_ok(format('select artery.hold_task(%s, ''x'')', :a), 'IN006', null, 'once only');
select isnt(coalesce(hint, ''), '', '... with a hint') from t.error(format('select artery.hold_task(%s, ''x'')', :a));
select results_eq($$select waiting, on_hold, oldest_due, on_hold_since is not null from artery_monitor.open_work$$,
    $$values (0::bigint, 2::bigint, null::timestamptz, true)$$, 'counted apart from what waits');
select is((select on_hold from artery_monitor.integration_monitor where topic = 'e'), 2::bigint, '... at one glance too');
select results_eq($$select id, due_at from artery_monitor.find_tasks('{"on_hold": true}') order by id$$,
    format('values (%s::bigint, null::timestamptz), (%s, null)', :a, :b), 'found, due at no time');
select is_empty($$select from artery_monitor.find_tasks('{"on_hold": false}')$$, '... but not by what is not');
select is((select due_at from artery_monitor.task(:a)), null, 'its page has no due time either');
select bag_has(format('select event, who, note from artery_monitor.task_timeline(%s)', :a),
    $$values ('hold', session_user::text, 'drawing is changed'), ('pending: on hold', null, null)$$, 'its story tells');
select is_empty('select * from artery_monitor.verify()', 'which breaks no invariant');
select is_empty($$select from artery_monitor.attention() where subject = 'e'$$, 'nobody needs to look');
update artery.integration_task set history = jsonb_set(history, '{-1,at}', to_jsonb(now() - interval '25 hours')) where id = :a;
select is((select found from artery_monitor.attention() where subject = 'e'), format('2 on hold, the first since %s', date_trunc('second', now() - interval '25 hours')),
    '... until it looks forgotten');
select artery.release_task(:a, 'drawing is out');
select artery.release_task(:b);
select ok(t.due(:a) between now() - interval '1 minute' and clock_timestamp(), 'released: due now');
select is(t.due(:b), :'due'::timestamptz, '... or when it was');
select results_eq(format('select history -> -1 ->> ''action'', history -> -1 ->> ''reason'', history -> -1 ->> ''by'' = session_user
    from artery.integration_task where id = %s', :a), $$values ('release', 'drawing is out', true)$$, 'that too is told');
select is(t.claim(:r), array[:a]::bigint[], 'it goes');
select throws_ok(format('select artery.hold_task(%s, ''x'')', :a), 'IN006', null, 'what is being sent cannot be put on hold');
select t.report(:r, t.result(:a, 503));
select artery.hold_task(:a, 'no more today');
select throws_ok(format('select artery.retry_task(%s)', :a), 'IN006', null, 'a retry does not undo a hold');
select is(artery.retry_tasks('{"topic": "e"}', 'all'), 0::bigint, '... nor does that of many');
select is(t.status(:a), 'failed', 'a failed one stays failed');
select artery.cancel_task(:a, 'order withdrawn');
select is(t.status(:a), 'cancelled', 'what is on hold can be cancelled');
select throws_ok(format('select artery.hold_task(%s, ''x'')', :a), 'IN006', null, 'what has ended cannot be put on hold');
select throws_ok(format('select artery.release_task(%s)', :a), 'IN006', null, '... nor released');

-- its ordering key waits behind it; one that waits behind another stays on hold when it gets to the front
select artery.enqueue_task('f', p_ordering_key => 'k') as k1 \gset
select artery.enqueue_task('f', p_ordering_key => 'k') as k2 \gset
select artery.enqueue_task('f', p_ordering_key => 'k') as k3 \gset
select artery.hold_task(:k1, 'x');
select is(t.claim(:r), '{}', 'the later ones of its ordering key wait');
select artery.release_task(:k1, 'x');
select artery.hold_task(:k2, 'x');
select is(t.claim(:r), array[:k1]::bigint[], 'released, it goes first');
select t.report(:r, t.result(:k1, 200));
select is(t.claim(:r), '{}', 'the next one stays on hold at the front');
select results_eq($$select id from artery_monitor.find_tasks('{"on_hold": true}')$$, format('values (%s::bigint)', :k2), 'found there');
select artery.release_task(:k2, 'x');
select is(t.claim(:r), array[:k2]::bigint[], '... until released');
select artery.hold_task(:k3, 'x');
select results_eq($$select id from artery_monitor.find_tasks('{"on_hold": true}')$$, format('values (%s::bigint)', :k3), 'found behind another too');
select artery.release_task(:k3, 'x');
select t.report(:r, t.result(:k2, 200));
select t.claim(:r);

-- many
create temp table made as
select artery.enqueue_task(case when i % 2 = 0 then 'e' else 'f' end, p_document_type => 'mo', p_document_id => 'D' || i % 3) as id
from generate_series(1, 12) as i;
select is(e.state, 'IN014', format('no hold by the filter %s', coalesce(f, 'null')))
from unnest(array['{}', null, '{"topik": "e"}', '{"status": "dead"}', '{"topic": null}']::jsonb[]) as f,
    t.error(format('select artery.hold_tasks(%L, ''x'')', f)) as e;
select throws_ok($$select artery.hold_tasks('{"topic": "e"}', '')$$, 'IN014', null, 'nor without a reason');
select is(artery.hold_tasks('{"topic": "e", "document_type": "mo"}', 'recall'), 6::bigint, 'by topic and document type');
select is(artery.hold_tasks('{"document_id": "D0"}', 'recall'), 2::bigint, '... those that are not yet');
select is((select count(*)::int from made, lateral t.task(id) as x where x.due_at = 'infinity' and x.history -> -1 ->> 'reason' = 'recall'), 8, 'all with their reason');
select is(cardinality(t.claim(:r)), 4, 'the others go');
select is(artery.release_tasks('{"endpoint": "f"}', 'over'), 2::bigint, 'released by endpoint');
select is(artery.release_tasks('{"document_type": "mo", "limit": 5}', 'over'), 5::bigint, '... up to a limit');
select is(artery.release_tasks('{"document_type": "mo"}', 'over'), 1::bigint, '... and the rest');
select is(cardinality(t.claim(:r)), 8, 'they go');

select * from finish();
rollback;
