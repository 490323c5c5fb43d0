/* What one report says about the endpoints themselves. Retry-After and RateLimit bind all
   runners. 410 means that the endpoint is gone: it is disabled. Failures feed the breaker, whose
   window rolls in two halves: what the one before it had counts by the share of it that still lies
   within breaker_window of now. An endpoint that never failed has no breaker row and costs nothing.
*/
create or replace function artery._judge_endpoints(p_tally jsonb, p_now timestamptz)
returns integer[]
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_tally record;
    v_breaker record;
    v_weight double precision;
    v_calls double precision;
    v_failures double precision;
    v_hold integer[] := '{}'::integer[];
begin
    -- a loop over the few endpoints of a report, in one order: each is a state machine of its own
    for v_tally in
        select
            u.*,
            b.state,
            e.breaker_min_calls,
            e.breaker_failure_rate,
            e.breaker_window,
            p_now + e.breaker_open_for as probe_at
        from jsonb_to_recordset(p_tally) as u (
            endpoint_id integer, calls integer, failures integer, gone boolean,
            blocked_until timestamptz, retry_after text
        )
        inner join artery.endpoint as e on e.id = u.endpoint_id
        left join artery.breaker as b on b.endpoint_id = u.endpoint_id
        where
            u.failures > 0 or u.gone or u.blocked_until > p_now
            or b.state = 'half_open' or b.failures + b.previous_failures > 0
        order by u.endpoint_id
    loop
        if v_tally.blocked_until > p_now then
            insert into artery.rate_limiter as l (endpoint_id, blocked_until, blocked_reason)
            values (
                v_tally.endpoint_id, v_tally.blocked_until,
                coalesce('Retry-After: ' || v_tally.retry_after, 'RateLimit: its quota is used up')
            )
            on conflict (endpoint_id) do update
            set
                blocked_until = greatest(l.blocked_until, excluded.blocked_until),
                blocked_reason = excluded.blocked_reason;
            v_hold := v_hold || v_tally.endpoint_id;
        end if;
        if v_tally.gone then
            update artery.endpoint as e
            set enabled = false
            where e.id = v_tally.endpoint_id and e.enabled;
            perform artery._move_breaker(
                v_tally.endpoint_id, 'open', 'gone (410): the endpoint is disabled'
            );
            v_hold := v_hold || v_tally.endpoint_id;
            continue;
        end if;

        if v_tally.state = 'half_open' and v_tally.calls > 0 then
            if v_tally.failures < v_tally.calls then
                perform artery._move_breaker(v_tally.endpoint_id, 'closed', 'the probe was answered');
            else
                perform artery._move_breaker(
                    v_tally.endpoint_id, 'open', 'the probe failed', v_tally.probe_at
                );
            end if;
            continue;
        end if;
        -- answers to calls that left before it opened
        continue when v_tally.state <> 'closed' or v_tally.calls = 0;

        insert into artery.breaker as b (endpoint_id, window_started_at)
        values (v_tally.endpoint_id, p_now)
        on conflict (endpoint_id) do update
        set
            previous_calls = case
                when b.window_started_at > p_now - 2 * v_tally.breaker_window then b.calls
                else 0
            end,
            previous_failures = case
                when b.window_started_at > p_now - 2 * v_tally.breaker_window then b.failures
                else 0
            end,
            calls = 0,
            failures = 0,
            window_started_at = p_now
        where b.window_started_at <= p_now - v_tally.breaker_window;

        update artery.breaker as b
        set
            calls = b.calls + v_tally.calls,
            failures = b.failures + v_tally.failures
        where b.endpoint_id = v_tally.endpoint_id
        returning
            b.calls,
            b.failures,
            b.previous_calls,
            b.previous_failures,
            b.window_started_at
        into v_breaker;

        v_weight := (1 - extract(epoch from p_now - v_breaker.window_started_at)
            / extract(epoch from v_tally.breaker_window))::double precision;
        v_calls := v_breaker.calls + v_weight * v_breaker.previous_calls;
        v_failures := v_breaker.failures + v_weight * v_breaker.previous_failures;
        if v_calls >= v_tally.breaker_min_calls
            and v_failures >= v_tally.breaker_failure_rate * v_calls
        then
            perform artery._move_breaker(
                v_tally.endpoint_id,
                'open',
                format(
                    '%s of %s calls failed within %s',
                    round(v_failures), round(v_calls), v_tally.breaker_window
                ),
                v_tally.probe_at
            );
            v_hold := v_hold || v_tally.endpoint_id;
        end if;
    end loop;

    -- the other runners hold tasks of these endpoints too
    perform pg_notify('artery_hold', h.endpoint_id::text) from unnest(v_hold) as h (endpoint_id);
    return v_hold;
end
$function$;
comment on function artery._judge_endpoints(jsonb, timestamptz) is
'Blocks, disables, opens or closes endpoints after a report; returns those that may not be called '
'now';
