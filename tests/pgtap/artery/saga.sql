begin;
select no_plan();
\ir _setup.psql
select t.runner() as r \gset
select t.endpoint(e, '{"max_attempts": 1}') from unnest(array['mes', 'mes_undo', 'po', 'po_undo', 'po_query', 'tax']) as e;
update artery.endpoint set idempotent = false where name in ('po', 'tax');
update artery.route set path_template = '/po/{no}' where topic = 'po_undo';
create table t.stock (item text, qty integer);
create table t.calls (name text, input jsonb);
create function t.reserve(p jsonb) returns jsonb language plpgsql as $$
begin
    insert into t.stock values (p -> 'context' ->> 'item', -1);
    if p -> 'context' ? 'none left' then
        raise exception 'none left' using errcode = 'P0777', hint = 'buy some';
    end if;
    return '{"bin": 4}';
end $$;
create function t.give_back(p jsonb) returns jsonb language plpgsql as $$
begin
    insert into t.calls values ('give_back', p);
    if exists (select from t.calls where name = 'broken') then
        raise exception 'no';
    end if;
    insert into t.stock values (p -> 'context' ->> 'item', 1);
    return null;
end $$;
create function t.po(p jsonb) returns jsonb language sql as $$
    select jsonb_build_object('body', p -> 'results', 'document_id', p -> 'context' ->> 'item', 'ordering_key', 'k')
$$;
create function t.po_undo(p jsonb) returns jsonb language sql as $$
    select jsonb_build_object('path_params', p -> 'result', 'body', jsonb_build_object('undoes', p -> 'undoes'), 'ordering_key', 'k')
$$;
create function t.odd(p jsonb) returns jsonb language sql as $$ select '{"boddy": 1}'::jsonb $$;
grant all on all tables in schema t to public;

insert into artery.saga_definition (name) values ('order'), ('stepless'), ('bad');
insert into artery.saga_step (saga, position, name, topic, function, undo_topic, undo_function, query_topic, timeout) values
('order', 1, 'reserve', null, 't.reserve(jsonb)', null, 't.give_back', null, null),
('order', 2, 'po', 'po', 't.po', 'po_undo', 't.po_undo', 'po_query', '1 hour'),
('order', 3, 'tax', 'tax', null, null, null, null, null),
('bad', 1, 'mes', 'mes', 't.odd', null, null, null, null);
select is((select version from artery.saga_definition where name = 'order'), 4, 'each step changed is a new version');
create function t.start(p_key text, p_context jsonb default '{"item": "A"}') returns bigint
language sql as $$ select artery.start_saga('order', p_context, p_key) $$;
create function t.states(p_saga bigint) returns text language sql as $$
    select (select status from artery.saga where id = p_saga) || ': ' || string_agg(name || ' ' || status, ', ' order by position)
    from artery.saga_step_run where saga_id = p_saga
$$;
-- the task that a saga waits for
create function t.open(p_saga bigint) returns bigint language sql as $$
    select max(id) from artery.integration_task where (compensation ->> 'saga')::bigint = p_saga and status in ('pending', 'failed')
$$;
-- answers that task
create function t.answer(p_saga bigint, p_status integer, p_more jsonb default '{}') returns void language plpgsql as $$
declare
    v_task bigint := t.open(p_saga);
begin
    perform t.make_due();
    perform t.claim(1);
    perform t.report(1, t.result(v_task, p_status, p_more));
end $$;

-- definitions and start
select throws_ok($$insert into artery.saga_step (saga, position, name, function) values ('order', 9, 'x', 't.nothing')$$, 'IN009', null, 'a step''s function must exist');
select throws_ok($$insert into artery.saga_step (saga, position, name) values ('order', 9, 'x')$$, '23514', null, 'a step does something');
select throws_ok($$select artery.start_saga('nowhere')$$, 'IN020', null, 'an unknown saga');
select throws_ok($$select artery.start_saga('stepless')$$, 'IN020', null, 'a saga without steps');
select throws_ok($$select artery.start_saga('order', '[]')$$, 'IN014', null, 'a context is an object');
select throws_ok($$select artery.start_saga('bad')$$, 'IN025', null, 'a saga whose first step fails does not start');
select is((t.error($$select artery.start_saga('order', '{"none left": 1}')$$)).hint, 'buy some', '... and says why');
select is_empty('table artery.saga', '... and leaves nothing');
select is_empty('table t.stock', '... at all');

-- forward
select t.start('one') as s \gset
select is(t.start('one'), :s::bigint, 'the same key is the same saga');
select throws_ok($$select t.start('one', '{"item": "B"}')$$, 'IN021', null, 'the same key with another context is a conflict');
select is(t.states(:s), 'running: reserve done, po running, tax waiting', 'a function is done at once, a task is waited for');
select is((t.task(t.open(:s))).body::jsonb, '{"reserve": {"bin": 4}}', 'a step gets the results of those before it');
select is((t.task(t.open(:s))).document_id, 'A', 'the function says what the task is');
select results_eq(format('select compensation -> ''undo'', compensation -> ''context'', compensation ->> ''request_id'' = request_id::text from artery.integration_task where id = %s', t.open(:s)),
    $$values ('{"topic": "po_undo", "function": "t.po_undo"}'::jsonb, '{"item": "A"}'::jsonb, true)$$, 'what the undo will need is kept with the task');
delete from artery.saga_step where saga = 'order' and position = 3;
select t.answer(:s, 201, '{"response_body": "{\"no\": 77}"}');
select is(t.states(:s), 'running: reserve done, po done, tax running', 'its answer begins the next step, of the definition it started with');
select is((t.task(t.open(:s))).body::jsonb, '{"item": "A"}', 'without a function the context is the body');
select t.answer(:s, 200);
select is(t.states(:s), 'complete: reserve done, po done, tax done', 'complete');
insert into artery.saga_step (saga, position, name, topic) values ('order', 3, 'tax', 'tax');

-- backward, from its very end
select artery.compensate_saga(:s, 'customer changed their mind');
select is(t.states(:s), 'compensating: reserve done, po compensating, tax kept', 'undone in reverse; where there is no undo it is kept');
select is((t.task(t.open(:s))).path, '/po/77', 'the undo gets the step''s answer');
select is((select string_agg(status, ' ' order by id) from artery.integration_task where topic in ('po', 'po_undo')), 'compensating pending', 'the task that is undone says so');
select is((t.task(t.open(:s))).ordering_key, null, 'an undo does not queue behind what it undoes');
select t.answer(:s, 500);
select is(t.states(:s), 'compensating: reserve done, po stuck, tax kept', 'an undo that dies is stuck, and what is before it stays');
select results_eq('select saga_id, step, step_status, task_status from artery.saga_attention', format('values (%s::bigint, ''po'', ''stuck'', ''dead'')', :s), '... for a person to see');
select is((select attention ->> 'step' from artery.saga where id = :s), 'po', '... on the saga too');
select throws_ok(format('select artery.compensate_saga(%s, ''again'')', :s), 'IN023', null, 'a saga is undone once');
select throws_ok(format('select artery.resume_saga(%s, '''')', :s), 'IN014', null, 'people say why');
select artery.resume_saga(:s, 'supplier is back');
select is(t.states(:s), 'compensating: reserve done, po compensating, tax kept', 'a person has it tried again');
select is_empty('table artery.saga_attention', '... and nobody is waited for');
insert into t.calls values ('broken');
select t.answer(:s, 200);
select is(t.states(:s), 'compensating: reserve compensating, po compensated, tax kept', 'an undo that is a function is tried again too');
select is((select attempts from artery.saga_step_run where saga_id = :s and position = 1), 1, '... later');
update artery.saga_step_run set due_at = clock_timestamp(), attempts = 11 where due_at is not null and position = 1;
select artery.saga_timeouts('infinity');
select is(t.states(:s), 'compensating: reserve stuck, po compensated, tax kept', '... until it is stuck');
delete from t.calls where name = 'broken';
select artery.resume_saga(:s, 'mended');
select is(t.states(:s), 'compensated: reserve compensated, po compensated, tax kept', 'fully compensated');
select is((select status from artery.integration_task where topic = 'po'), 'compensated', '... and so is the task');
select is((select sum(qty)::int from t.stock), 0, 'a function that failed left nothing behind');
select is((select count(*)::int from artery.saga_history where saga_id = :s and event = 'call'), 4, 'the history shows every call');
select is((select detail from artery.saga_history where saga_id = :s and event = 'compensating' and step is null), 'customer changed their mind', '... and why people did what they did');

-- outcomes that are not known
select t.start('refused') as s \gset
select t.answer(:s, 422);
select is(t.states(:s), 'compensated: reserve compensated, po failed, tax waiting', 'a refusal had no effect: what was before is undone');
select is((select status from artery.integration_task where topic = 'po' order by id desc limit 1), 'compensated', '... and nobody can send it again');
select t.start('asked') as s \gset
select t.answer(:s, null, '{"error_kind": "timeout"}');
select is(t.states(:s), 'running: reserve done, po querying, tax waiting', 'a lost answer is asked after');
select t.answer(:s, 404);
select is(t.states(:s), 'compensated: reserve compensated, po failed, tax waiting', 'unknown there: it had no effect');
select t.start('found') as s \gset
select t.answer(:s, null, '{"error_kind": "reset"}');
select t.answer(:s, 200, '{"response_body": "{\"no\": 78}"}');
select is(t.states(:s), 'running: reserve done, po done, tax running', 'known there: it goes on');
select t.answer(:s, null, '{"error_kind": "timeout"}');
select is(t.states(:s), 'running: reserve done, po done, tax unknown', 'nobody to ask: held');
select artery.compensate_saga(:s, 'no patience');
select is(t.states(:s), 'compensating: reserve done, po done, tax unknown', '... and nothing is undone before it is known');
select throws_ok(format('select artery.resolve_saga_step(%s, ''po'', ''done'', ''x'')', :s), 'IN023', null, 'a step that is not in doubt is not resolved');
select throws_ok(format('select artery.resolve_saga_step(%s, ''tax'', ''perhaps'', ''x'')', :s), 'IN014', null, 'done or not done');
select throws_ok(format('select artery.resolve_saga_step(%s, ''mes'', ''done'', ''x'')', :s), 'IN022', null, 'no such step');
select artery.resolve_saga_step(:s, 'tax', 'not_done', 'asked by telephone');
select is(t.states(:s), 'compensating: reserve done, po compensating, tax failed', 'a person knows: it goes on backwards');
select t.answer(:s, 200);
select is(t.states(:s), 'compensated: reserve compensated, po compensated, tax failed', '... to its end');

-- timeouts
select t.start('late') as s \gset
update artery.saga_step_run set due_at = clock_timestamp() where saga_id = :s and position = 2;
select t.claim(:r);
select artery.saga_timeouts('infinity');
select is(t.states(:s), 'running: reserve done, po running, tax waiting', 'a call under way is let be');
update artery.integration_task set max_attempts = 9, locked_until = clock_timestamp() - interval '1 s' where status = 'processing';
update artery.endpoint set idempotent = true where name = 'po';
select artery.expire_leases('infinity');
update artery.saga_step_run set due_at = clock_timestamp() where saga_id = :s and position = 2;
select artery.saga_timeouts('infinity');
select is(t.states(:s), 'running: reserve done, po querying, tax waiting', 'one that may have had an effect is stopped and asked after');
select t.start('never sent') as s \gset
update artery.saga_step_run set due_at = clock_timestamp() where saga_id = :s and position = 2;
select artery.saga_timeouts('infinity');
select is(t.states(:s), 'compensated: reserve compensated, po failed, tax waiting', 'one that never left is given up');

-- ends that nobody told, and a handler that fails with the saga
select t.start('untold') as s \gset
update artery.saga_step_run set due_at = null where saga_id = :s;
update artery.integration_task set status = 'cancelled' where id = t.open(:s);
select is((select violation from artery.saga_violations where saga_id = :s), 'the step is running, and nothing will move it on', 'a saga that was left behind is a violation');
select artery.saga_timeouts('infinity');
select is(t.states(:s), 'compensated: reserve compensated, po failed, tax waiting', '... until the sweep finds it');
create function t.fails(p jsonb) returns void language sql as $$ select 1 / 0 $$;
update artery.route set reply_handler = 't.fails(jsonb)' where topic = 'po';
select t.start('handler') as s \gset
select t.answer(:s, 200, '{"response_body": "{\"no\": 79}"}');
select is((select handler_status from artery.integration_task where topic = 'po' and status = 'sent' order by id desc limit 1), 'failed', 'a handler that fails');
select is(t.states(:s), 'running: reserve done, po running, tax waiting', '... holds the step: it is over when the document has its answer');
update artery.route set reply_handler = null where topic = 'po';
update artery.integration_task set handler_due_at = clock_timestamp() where handler_status = 'failed';
select artery.rerun_handlers('infinity');
select is(t.states(:s), 'running: reserve done, po done, tax running', '... even if it is so later');

-- all's well
select is_empty('table artery.saga_violations', 'no saga is anywhere it should not be');
update artery.saga set ended_at = ended_at - interval '1 year' where ended_at is not null;
select ok(artery.delete_ended_sagas('infinity') > 4, 'ended sagas go in time');
select isnt_empty('table artery.saga', '... the others stay');
select is(has_function_privilege('artery_app', 'artery.compensate_saga(bigint, text)', 'execute'), false, 'the ERP starts sagas, people undo them');

select * from finish();
rollback;
