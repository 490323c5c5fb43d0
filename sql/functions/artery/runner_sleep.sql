create or replace function artery.runner_sleep(p_runner bigint)
returns double precision
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $function$
declare
    v_now timestamptz := clock_timestamp();
    v_next timestamptz;
begin
    update artery.runner as r
    set
        asleep = true,
        seen_at = clock_timestamp()
    where r.id = p_runner and (not r.asleep or r.seen_at < clock_timestamp() - interval '5 seconds');

    select min(f.due_at)
    into v_next
    from artery.lane as l
    inner join artery.endpoint as e on e.id = l.endpoint_id and e.enabled
    left join artery.rate_limiter as rl on rl.endpoint_id = l.endpoint_id
    left join artery.breaker as b on b.endpoint_id = l.endpoint_id and b.state <> 'closed'
    cross join lateral (
        select greatest(rl.blocked_until, b.probe_at) as until
    ) as w
    cross join lateral (
        select greatest(t.due_at, w.until) as due_at
        from artery.integration_task as t
        where
            t.endpoint_id = l.endpoint_id
            and t.priority = l.priority
            and t.status in ('pending', 'failed')
            and not t.queued
            -- on hold
            and t.due_at < 'infinity'
            -- what is due now is no reason to wait, unless its endpoint may not be called yet
            and t.due_at > case when w.until > v_now then '-infinity' else v_now end
        order by t.due_at
        limit 1
    ) as f
    -- opened by hand: until somebody closes it
    where b.state is null or b.probe_at is not null;

    -- greatest() alone would make "no task known" into "due now"
    return case when v_next is not null then
        extract(epoch from greatest(v_next - clock_timestamp(), interval '0'))::double precision
    end;
end
$function$;
comment on function artery.runner_sleep(bigint) is
'Marks a runner asleep, so that the next enqueue notifies artery_wake; returns the seconds until '
'the next task now known falls due, null if there is none. A claim that finds work marks it awake';
grant execute on function artery.runner_sleep(bigint) to artery_runner;
