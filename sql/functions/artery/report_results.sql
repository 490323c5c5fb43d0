/* Writes back a batch: the tasks' new status, one cloud_log row a call, the answers to their reply
   handlers. Fenced on (id, attempt, runner, leased): the report of a runner that lost its lease is
   logged as stale and changes nothing else. The same report again changes nothing and logs
   nothing. The fence says locked_until is not null, which is the same as processing by a CHECK, so
   that no plan made when nothing was in processing can choose to walk that partial index once a
   row. Reads endpoint, route; writes integration_task, cloud_log, unhandled_reply, rate_limiter.
*/
create or replace function artery.report_results(p_runner bigint, p_results jsonb)
returns jsonb
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    c_handler_budget constant interval := interval '5 seconds';
    v_now timestamptz := clock_timestamp();
    v_done bigint[];
    v_ordered bigint[];
    v_replies jsonb;
    v_stale bigint[] := '{}'::bigint[];
    v_unhandled bigint[] := '{}'::bigint[];
    v_tally jsonb;
    v_hold integer[];
    v_reply jsonb;
begin
    -- yesterday's too: a call may have begun before midnight
    perform artery._ensure_partition('artery.cloud_log', v_now - d.ago)
    from unnest(array[interval '0', interval '24 hours']) as d (ago);

    select
        a.done,
        a.ordered,
        a.tally,
        a.replies
    into v_done, v_ordered, v_tally, v_replies
    from artery._apply_results(p_runner, p_results, v_now) as a;

    if jsonb_array_length(p_results) > coalesce(cardinality(v_done), 0) then
        v_stale := artery._log_stale_results(p_runner, p_results, coalesce(v_done, '{}'), v_now);
    end if;
    if v_ordered is not null then
        perform artery._unblock_next(v_ordered);
    end if;
    v_hold := artery._judge_endpoints(v_tally, v_now);

    -- one after the other, each in its own subtransaction: a handler is the domain's code, a document at a time
    for v_reply in select r.value from jsonb_array_elements(v_replies) as r (value) loop
        if not artery._run_handler(
            (v_reply -> 'reply' ->> 'task_id')::bigint,
            case when clock_timestamp() < v_now + c_handler_budget then v_reply ->> 'handler' end,
            v_reply -> 'reply'
        ) then
            v_unhandled := v_unhandled || (v_reply -> 'reply' ->> 'task_id')::bigint;
        end if;
    end loop;

    return jsonb_build_object(
        'applied', coalesce(cardinality(v_done), 0),
        'stale', to_jsonb(v_stale),
        'handler_failed', to_jsonb(v_unhandled),
        'hold', to_jsonb(v_hold)
    );
end
$function$;

comment on function artery.report_results(bigint, jsonb) is
'Writes back what a runner''s calls came to: an array of {id, attempt, span_id, status_code | '
'error_kind, ...}, facts only. Returns {"applied": count, "stale": [task ids], "handler_failed": '
'[task ids], "hold": [endpoint ids that may not be called now]}. Idempotent.';
grant execute on function artery.report_results(bigint, jsonb) to artery_runner;
