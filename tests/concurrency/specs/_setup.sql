-- Before every spec, once: after pgTAP's _setup.psql
create table t.heard (reply jsonb);
create table t.got (id bigint);
create function t.handler(p_reply jsonb) returns void language sql as $$ insert into t.heard values (p_reply) $$;
grant insert on t.heard to public;

-- Every permutation starts with this: runners r1 and r2, an endpoint without a limit and one with
create function t.reset() returns void language plpgsql as $$
begin
    delete from artery.integration_task;
    delete from artery.cloud_log;
    delete from artery.route;
    delete from artery.endpoint;
    delete from artery.runner;
    delete from t.heard;
    delete from t.got;
    perform t.endpoint('wide'), t.endpoint('narrow', '{"max_in_flight": 3}');
    update artery.route set reply_handler = 't.handler' where topic = 'wide';
    perform artery.register_runner('r1', 'h', 1, 'v'), artery.register_runner('r2', 'h', 2, 'v');
    perform artery._ensure_partition('artery.cloud_log', clock_timestamp() - d * interval '1 day') from generate_series(0, 1) as d;
end $$;
create function t.r(p_name text) returns bigint language sql stable as $$ select x.id from artery.runner as x where x.name = p_name $$;
create function t.only() returns bigint language sql stable as $$ select max(x.id) from artery.integration_task as x $$;
create function t.ran_out() returns void language sql as $$
    update artery.integration_task as x set locked_until = clock_timestamp() - interval '1 s' where x.status = 'processing'
$$;
-- a report that says the same each time
create function t.same(p_runner text, p_status integer) returns jsonb language sql as $$
    select artery.report_results(t.r(p_runner), jsonb_build_array(
        t.result(t.only(), p_status, '{"span_id": "00000000000000aa"}', p_attempt => 1)))
$$;
-- what is left is done, as a runner would
create function t.work_off() returns void language plpgsql as $$
begin
    for i in 1..5 loop
        perform artery.unblock_keys('infinity'), set_config('artery.claim_cursor', '', false);
        perform artery.report_results(t.r('r2'), (select jsonb_agg(t.result(c.id, 200)) from artery.claim_tasks(t.r('r2')) as c));
    end loop;
end $$;
