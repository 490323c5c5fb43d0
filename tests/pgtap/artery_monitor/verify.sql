begin;
select no_plan();
\ir ../artery/_setup.psql
select t.runner() as r1 \gset
select t.runner() as r2 \gset
select t.endpoint('good', '{"backoff_base": "1 ms", "backoff_cap": "1 ms"}') as good \gset
create function t.handler(jsonb) returns void language sql as 'select 1';
create function t.broken() returns text language sql as $$
    select string_agg(format('%s %s: %s', v.invariant, v.detail, v.task_ids), '; ') from artery_monitor.verify() as v
$$;
-- breaks one promise, looks, and takes it back
create function t.breaks(p_sql text, p_detail text, p_id bigint, p_invariant text) returns setof text
language plpgsql as $$
declare
    v_found text;
begin
    begin
        set local session_replication_role = replica;
        execute p_sql;
        set local session_replication_role = origin;
        v_found := t.broken();
        raise exception 'undo';
    exception when raise_exception then
    end;
    return next is(v_found, format('%s %s: {%s}', p_invariant, p_detail, p_id), p_detail);
end $$;

-- a life of every kind, and not a word
select artery.enqueue_task('good') as sent \gset
select artery.enqueue_task('good') as retried \gset
select artery.enqueue_task('good') as lost \gset
select artery.enqueue_task('good') as claimed \gset
select t.claim(:r1);
select t.report(:r1, t.result(:sent, 200), t.result(:retried, 500));
update artery.integration_task as x set locked_until = clock_timestamp() - interval '1 ms' where x.id = :lost;
select artery.expire_leases('infinity');
select t.make_due();
select t.claim(:r2);
select t.report(:r1, t.result(:lost, 200, p_attempt => 1));
select t.report(:r2, t.result(:retried, 200), t.result(:lost, 200));
select artery.enqueue_task('good') as refused \gset
select t.claim(:r2);
select t.report(:r2, t.result(:refused, 404));
select artery.enqueue_task('good', p_ordering_key => 'k') as first \gset
select artery.enqueue_task('good', p_ordering_key => 'k') as second \gset
select artery.enqueue_task('good') as cancelled \gset
select artery.cancel_task(:cancelled);
select artery.enqueue_task('good', p_due_at => now() + interval '1 day') as later \gset
select is((select count(*) from artery.cloud_log as l where l.stale), 1::bigint, 'a stale call is in the log');
select is(t.broken(), null, 'where all holds, no row');

set local role artery_reader;
select is_empty('select * from artery_monitor.verify()', 'a reader may ask');
reset role;

-- I1
select t.breaks(format($$update artery.integration_task set locked_until = clock_timestamp() - interval '61 s' where id = %s$$, :claimed),
    'in processing past its lease and a sweep: nobody calls artery.tick()', :claimed, 'I1');
select t.breaks(format('update artery.integration_task set ended_at = null where id = %s', :sent),
    'ended without a time, or open with one', :sent, 'I1');
select t.breaks(format('update artery.integration_task set ended_at = now() where id = %s', :later),
    'ended without a time, or open with one', :later, 'I1');
select t.breaks(format('update artery.integration_task set priority = 9 where id = %s', :later),
    'no runner looks for it: its endpoint and priority are no lane', :later, 'I1');
update artery.integration_task set created_at = now() - interval '2 minutes' where id = :second;
select t.breaks(format($$update artery.integration_task set status = 'cancelled', ended_at = now() - interval '61 s'
    where id = %s$$, :first), 'queued behind a task that has ended: nobody lets it go', :second, 'I1');
savepoint ended_just_now;
set local session_replication_role = replica;
update artery.integration_task set status = 'cancelled', ended_at = now() where id = :first;
set local session_replication_role = origin;
select is(t.broken(), null, 'a task queued behind one that ended just now: the sweep is about to let it go');
rollback to savepoint ended_just_now;
select t.breaks(format($$update artery.integration_task set handler_status = 'failed' where id = %s$$, :sent),
    'its reply handler failed, and the answer is not kept for it', :sent, 'I1');
select t.breaks(format($$insert into artery.unhandled_reply (task_id, reply) values (%s, '{}')$$, :sent),
    'an answer is kept that nobody will hand to its reply handler', :sent, 'I1');

-- I4
select t.breaks(format('delete from artery.cloud_log where task_id = %s', :sent),
    'sent, and no call in the log says so', :sent, 'I4');
select t.breaks(format('update artery.cloud_log set stale = true where task_id = %s', :sent),
    'sent, and no call in the log says so', :sent, 'I4');
select t.breaks(format($$update artery.integration_task set status = 'failed', ended_at = null where id = %s$$, :sent),
    'sent, and open again', :sent, 'I4');
select t.breaks(format('update artery.integration_task set attempt = 2 where id = %s', :sent),
    'sent by an attempt that is not its last', :sent, 'I4');
select t.breaks(format('update artery.integration_task set runner_id = %s where id = %s', :r2, :sent),
    'sent by a runner that did not have it', :sent, 'I4');
select t.breaks(format('update artery.cloud_log set attempt = 2 where task_id = %s', :refused),
    'written back for an attempt that never was', :refused, 'I4');
select t.breaks(format('insert into artery.cloud_log select * from artery.cloud_log where task_id = %s and attempt = 2', :retried),
    'one attempt written back more than once', :retried, 'I4');
select t.breaks(format('insert into artery.cloud_log select * from artery.cloud_log where task_id = %s', :refused),
    'one attempt written back more than once', :refused, 'I4');
select t.breaks(format('update artery.cloud_log set stale = false where task_id = %s and stale', :lost),
    format('an attempt ended otherwise than its runner reported: {%s}; I4 one attempt written back more than once', :lost), :lost, 'I4');
select t.breaks(format('update artery.cloud_log set runner_id = %s where task_id = %s', :r1, :refused),
    'an attempt ended otherwise than its runner reported', :refused, 'I4');
select t.breaks(format('update artery.integration_task set history = history || history where id = %s', :retried),
    'an attempt ended more than once', :retried, 'I4');
select t.breaks(format($$update artery.integration_task set history = jsonb_set(history, '{0,attempt}', '2') where id = %s;
    delete from artery.cloud_log where task_id = %s$$, :retried, :retried),
    'an attempt ended more than once', :retried, 'I4');

-- what is no fault
select is((select count(*) from artery_monitor.verify('-1 hour')), 1::bigint, 'the sweep''s time is the caller''s to say');
update artery.integration_task as x set created_at = now() - interval '1 hour' where x.id = :second;
select is(t.broken(), null, 'to wait behind a task that is still to be sent is none');
select t.endpoint('strict', '{"idempotent": false}');
select artery.enqueue_task('strict') as held \gset
select t.claim(:r1);
update artery.integration_task as x set locked_until = clock_timestamp() - interval '1 ms' where x.id = :held;
select artery.expire_leases('infinity');
update artery.integration_task as x set status = 'sent' where x.id = :held;
select is(t.broken(), null, 'to be declared sent by a person is none');
update artery.integration_task as x set ended_at = now() - interval '90 days' where x.id = :sent;
delete from artery.cloud_log as l where l.task_id = :sent;
select is(t.broken(), null, 'nor that the log is kept no longer');

select * from finish();
rollback;
