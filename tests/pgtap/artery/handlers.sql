begin;
select no_plan();
\ir _setup.psql
select t.runner() as r \gset
select t.endpoint('h', '{"max_attempts": 1}') as h \gset
create table t.heard (at timestamptz default clock_timestamp(), reply jsonb);
create table t.parent (id int primary key);
create table t.child (id int references t.parent (id) deferrable initially deferred);
create table t.one (id int primary key);
grant all on all tables in schema t to public;
-- does what the answered document asks for
create function t.handler(p_reply jsonb) returns void language plpgsql as $$
begin
    case p_reply ->> 'document_id'
        when 'raise' then raise exception 'no such order' using errcode = 'P0404', detail = 'MO-7', hint = 'make one';
        when 'assert' then assert false, 'never';
        when 'cancel' then raise query_canceled;
        when 'lock' then raise lock_not_available;
        when 'divide' then perform 1 / 0;
        when 'deferred' then insert into t.child values (7);
        when 'mended by its end' then insert into t.child values (8); insert into t.parent values (8);
        when 'duplicate' then insert into t.one values (1), (1);
        else null;
    end case;
    insert into t.heard (reply) values (p_reply);
end $$;
update artery.route set reply_handler = 't.handler(jsonb)' where topic = 'h';
create function t.send(p_document text, p_status integer default 200, p_more jsonb default '{}') returns bigint language plpgsql as $$
declare
    v_id bigint := artery.enqueue_task('h', p_document_type => 'mo', p_document_id => p_document);
begin
    perform t.claim(1);
    perform artery.report_results(1, jsonb_build_array(t.result(v_id, p_status, p_more)));
    return v_id;
end $$;
select is(:r::bigint, 1::bigint, 'the first runner');

-- what a handler hears
select t.send('MO-1', 201, '{"response_body": "{\"mes_no\": 9}"}') as a \gset
select is((select reply - 'request_id' from t.heard), format('{"task_id": %s, "topic": "h", "document_type": "mo", "document_id": "MO-1", "outcome": "sent",
    "status_code": 201, "body": {"mes_no": 9}, "error": null, "attempt": 1}', :a)::jsonb, 'a handler gets the answer');
select is((select (reply ->> 'request_id')::uuid from t.heard), (t.task(:a)).request_id, '... with the Request-ID');
select is((t.task(:a)).handler_status, 'done', '... and the task remembers that it is handled');
select t.send('refused', 422, '{"response_body": "{\"title\": \"no BOM\"}"}') as b \gset
select results_eq('select reply ->> ''outcome'', reply -> ''body'' ->> ''title'', reply -> ''error'' ->> ''answer'' from t.heard where reply ->> ''document_id'' = ''refused''',
    $$values ('dead', 'no BOM', '{"title": "no BOM"}')$$, 'a dead end is told too, with its error');
select t.send('plain', 200, '{"response_body": "<ok/>"}');
select is((select reply -> 'body' from t.heard where reply ->> 'document_id' = 'plain'), '"<ok/>"', 'what is no JSON comes as a string');
select t.send('none', 204, '{"response_body": null}');
select is((select reply -> 'body' from t.heard where reply ->> 'document_id' = 'none'), 'null', 'no body comes as null');
update artery.endpoint set max_attempts = 5 where id = :h;
select t.send('later', 503);
select is_empty($$select from t.heard where reply ->> 'document_id' = 'later'$$, 'an attempt that is not the end is not told');

-- what a handler may do wrong
create temp table wrong (document text, state text);
insert into wrong values ('raise', 'P0404'), ('assert', 'P0004'), ('cancel', '57014'), ('lock', '55P03'), ('divide', '22012'), ('deferred', '23503'), ('duplicate', '23505');
select artery.enqueue_task('h', p_document_id => d) from (select document from wrong union all values ('good'), ('mended by its end')) as x (d);
select is(jsonb_array_length(artery.report_results(:r, (select jsonb_agg(t.result(c.id, 200) order by c.id) from artery.claim_tasks(:r) as c)) -> 'handler_failed'), 7,
    'the report says which answers were not handled');
set constraints all immediate;
set constraints all deferred;
select is((select count(*)::int from artery.integration_task where document_id in (select document from wrong) and status = 'sent'), 7, 'a handler that fails costs no answer: all are sent');
select is((select string_agg(reply ->> 'document_id', ' ' order by reply ->> 'document_id') from t.heard where reply ->> 'document_id' in ('good', 'mended by its end')), 'good mended by its end', '... and no neighbour');
select results_eq(format('select handler_status, handler_error ->> ''sqlstate'', handler_attempts from artery.integration_task where document_id = %L', document),
    format('values (''failed'', %L, 1)', state), 'kept with its error: ' || document) from wrong;
select results_eq($$select handler_error ->> 'message', handler_error ->> 'detail', handler_error ->> 'hint', handler_error ? 'context' from artery.integration_task where document_id = 'raise'$$,
    $$values ('no such order', 'MO-7', 'make one', true)$$, '... all of it');
select is_empty('select from t.child where id = 7', 'nothing that it did stays');
select is((select count(*)::int from artery.unhandled_reply), 7, 'each answer is kept');

-- run again
select is(artery.rerun_handlers('infinity'), 0::bigint, 'not before its time');
select ok((select handler_due_at from artery.integration_task where document_id = 'lock') < clock_timestamp() + interval '0.5 s', 'soon, where it was a lock');
select ok((select handler_due_at from artery.integration_task where document_id = 'raise') > clock_timestamp() + interval '0.5 s', '... later where it was more');
update artery.integration_task set handler_due_at = clock_timestamp();
select is(artery.rerun_handlers('infinity'), 7::bigint, 'then each is run again');
select is((select count(*)::int from artery.integration_task where handler_attempts = 2), 7, '... which is counted');
select ok((select handler_due_at from artery.integration_task where document_id = 'raise') > clock_timestamp() + interval '1.5 s', '... and put off for twice as long');
update artery.integration_task set handler_due_at = clock_timestamp(), handler_attempts = 5000 where handler_status = 'failed';
select lives_ok($$select artery.rerun_handlers('infinity')$$, 'also after thousands of times');
select cmp_ok((select max(handler_due_at) from artery.integration_task), '<=', clock_timestamp() + interval '600 s', '... but not for more than ten minutes');
select (select count(*) from artery.cloud_log) as calls \gset
create or replace function t.handler(p_reply jsonb) returns void language sql as $$ insert into t.heard (reply) values (p_reply) $$;
update artery.integration_task set handler_due_at = clock_timestamp();
select is(artery.rerun_handlers('-infinity'), 0::bigint, 'a sweep past its time runs none');
select is(artery.rerun_handlers('infinity'), 7::bigint, 'a handler that was mended gets them');
select is((select count(*)::int from t.heard where reply ->> 'document_id' in (select document from wrong)), 7, '... all');
select is((select count(*)::int from artery.unhandled_reply), 0, 'nothing is owed any more');
select results_eq($$select distinct handler_status, handler_error, handler_due_at from artery.integration_task where document_id in (select document from wrong)$$,
    $$values ('done', null::jsonb, null::timestamptz)$$, 'and the tasks know');
select is((select count(*) from artery.cloud_log), :calls::bigint, 'nothing was sent again for it');
select is((select count(*)::int from artery.integration_task where document_id in (select document from wrong) and attempt <> 1), 0, '... by any attempt');

-- slow ones: the budget of a report, then the sweep
create or replace function t.handler(p_reply jsonb) returns void language plpgsql as $$
begin
    if p_reply ->> 'document_id' = 'slow' then
        perform pg_sleep(5.1);
    end if;
    insert into t.heard (reply) values (p_reply);
end $$;
select artery.enqueue_task('h', p_document_id => 'slow');
select artery.enqueue_task('h', p_document_id => 'behind') as behind \gset
select is(artery.report_results(:r, (select jsonb_agg(t.result(c.id, 200) order by c.id) from artery.claim_tasks(:r) as c)) -> 'handler_failed', jsonb_build_array(:behind),
    'once the handlers of a report have taken 5 s, the others are left to the sweep');
select is(t.status(:behind), 'sent', '... the answers are stored');
update artery.integration_task set handler_due_at = clock_timestamp();
select artery.rerun_handlers('infinity');
select is((t.task(:behind)).handler_status, 'done', '... and handled then');

-- no handler
update artery.route set reply_handler = null where topic = 'h';
select t.send('unheard') as u \gset
select results_eq(format('select status, handler_status from artery.integration_task where id = %s', :u), $$values ('sent', null)$$, 'no handler, nothing owed');

select * from finish();
rollback;
