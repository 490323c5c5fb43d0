-- Durations in steps of a ninth: 8 buckets a doubling, 1 ms to half an hour
create or replace function artery._bucket(p_ms real)
returns smallint
language sql
immutable
parallel safe
as $function$
select case
    when p_ms is null then -1
    when p_ms <= 1 then 0
    -- an exact power of two is the upper end of its bucket, whatever the logarithm makes of it
    else least(ceil(8 * ln(p_ms::double precision) / ln(2::double precision) - 1e-9), 170)
end::smallint
$function$;
comment on function artery._bucket(real) is 'The bucket of artery.call_minute that a duration in milliseconds falls in';
grant execute on function artery._bucket(real) to artery_reader;

/* Counts the log by minute, as far as no call can still come: a call is logged when it ends, under
   the time of its start, so it is the longest total_timeout and half a minute late at most. One
   that comes later still (its runner was cut off from the database) is in the log alone. */
create or replace function artery.count_calls(p_until timestamptz)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_state record;
    v_end timestamptz;
    v_to timestamptz;
    v_rows bigint;
    v_count bigint := 0::bigint;
begin
    select
        r.counted_until,
        r.keep
    into v_state
    from artery.call_rollup as r
    for update;
    select date_trunc(
        'minute', clock_timestamp() - interval '30 seconds' - coalesce(max(e.total_timeout), interval '0'), 'UTC'
    )
    into v_end
    from artery.endpoint as e
    where e.enabled;

    while v_state.counted_until < v_end and clock_timestamp() < p_until loop
        v_to := least(v_state.counted_until + interval '10 minutes', v_end);
        with counted as (
            insert into artery.call_minute as m (minute, topic, endpoint_id, outcome, bucket, calls)
            select
                date_trunc('minute', l.called_at, 'UTC'),
                l.topic,
                l.endpoint_id,
                l.outcome,
                artery._bucket(l.total_ms),
                count(*)
            from artery.cloud_log as l
            where l.called_at >= v_state.counted_until and l.called_at < v_to
            group by 1, 2, 3, 4, 5
            returning m.topic, m.endpoint_id, m.outcome, m.calls
        )

        insert into artery.call_count as c (topic, endpoint_id, outcome, calls)
        select
            n.topic,
            n.endpoint_id,
            n.outcome,
            sum(n.calls)
        from counted as n
        group by n.topic, n.endpoint_id, n.outcome
        on conflict (topic, endpoint_id, outcome) do update
        set calls = c.calls + excluded.calls;
        get diagnostics v_rows = row_count;
        v_count := v_count + v_rows;
        v_state.counted_until := v_to;
    end loop;

    update artery.call_rollup as r
    set counted_until = v_state.counted_until
    where r.counted_until <> v_state.counted_until;
    delete from artery.call_minute as m
    where m.minute < v_state.counted_until - v_state.keep;
    return v_count;
end
$function$;
insert into artery.sweep_step (name, function, every, position)
values ('count_calls', 'artery.count_calls', '30 seconds', 85)
on conflict (name) do nothing;

comment on function artery.count_calls(timestamptz) is
'Sweep step: counts the log''s calls by minute; returns how many kinds of call (topic, endpoint, outcome) there were';
grant execute on function artery.count_calls(timestamptz) to artery_admin;
