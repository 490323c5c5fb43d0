/* The end of the log, from where artery.count_calls() has come to, an hour at most. A function for
   the planner's sake: with constant bounds it plans one or two partitions, not all. */
create or replace function artery_monitor._uncounted_calls()
returns table (
    minute timestamptz, topic text, endpoint_id integer, outcome text, bucket smallint, calls bigint
)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_custom_plan'
set jit = off
as $function$
declare
    v_to constant timestamptz := statement_timestamp() + interval '1 hour';
    v_from constant timestamptz := (
        select greatest(r.counted_until, statement_timestamp() - interval '1 hour')
        from artery.call_rollup as r
    );
begin
    return query
    select
        date_trunc('minute', l.called_at, 'UTC'),
        l.topic,
        l.endpoint_id,
        l.outcome,
        artery._bucket(l.total_ms),
        count(*)
    from artery.cloud_log as l
    where l.called_at >= v_from and l.called_at < v_to
    group by 1, 2, 3, 4, 5;
end
$function$;

comment on function artery_monitor._uncounted_calls() is
'Calls of the last hour that are in the log alone, in the form of artery.call_minute';
grant execute on function artery_monitor._uncounted_calls() to artery_reader;
