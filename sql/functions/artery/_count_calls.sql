/* Feeds the breakers of the endpoints in one report. The window rolls in two halves: what the one
   before it had counts by the share of it that still lies within breaker_window of now. An endpoint
   that never failed has no row here and costs nothing; opened by hand, it stays open. */
create or replace function artery._count_calls(
    p_endpoint_ids integer[], p_calls integer[], p_failures integer[], p_now timestamptz
)
returns void
language plpgsql
volatile
set search_path = ''
as $function$
declare
    v_tally record;
    v_share double precision;
    v_calls double precision;
    v_failures double precision;
begin
    -- a loop over the few endpoints of a report: each is a state machine of its own
    for v_tally in
        select
            u.endpoint_id,
            u.calls,
            u.failures,
            b.state,
            b.by_hand,
            e.breaker_min_calls,
            e.breaker_failure_rate,
            e.breaker_window,
            p_now + e.breaker_open_for as probe_at
        from unnest(p_endpoint_ids, p_calls, p_failures) as u (endpoint_id, calls, failures)
        inner join artery.endpoint as e on e.id = u.endpoint_id
        left join artery.breaker as b on b.endpoint_id = u.endpoint_id
        where u.calls > 0 and (u.failures > 0 or b.state = 'half_open' or b.failures + b.previous_failures > 0)
        order by u.endpoint_id
    loop
        if v_tally.state = 'half_open' then
            perform case
                when v_tally.failures < v_tally.calls then
                    artery._move_breaker(v_tally.endpoint_id, 'closed', 'the probe was answered')
                else artery._move_breaker(
                    v_tally.endpoint_id, 'open', 'the probe failed', v_tally.probe_at
                )
            end;
            continue;
        end if;
        continue when v_tally.state = 'open';

        insert into artery.breaker as b (endpoint_id, window_started_at, calls, failures)
        values (v_tally.endpoint_id, p_now, v_tally.calls, v_tally.failures)
        on conflict (endpoint_id) do update
        set
            previous_calls = case
                when p_now < b.window_started_at + v_tally.breaker_window then b.previous_calls
                when p_now < b.window_started_at + 2 * v_tally.breaker_window then b.calls
                else 0
            end,
            previous_failures = case
                when p_now < b.window_started_at + v_tally.breaker_window then b.previous_failures
                when p_now < b.window_started_at + 2 * v_tally.breaker_window then b.failures
                else 0
            end,
            calls = excluded.calls
                + case when p_now < b.window_started_at + v_tally.breaker_window then b.calls else 0 end,
            failures = excluded.failures
                + case when p_now < b.window_started_at + v_tally.breaker_window then b.failures else 0 end,
            window_started_at = case
                when p_now < b.window_started_at + v_tally.breaker_window then b.window_started_at
                else p_now
            end
        returning
            1 - extract(epoch from p_now - b.window_started_at) / extract(epoch from v_tally.breaker_window),
            b.calls,
            b.failures
        into v_share, v_calls, v_failures;

        select
            v_calls + greatest(v_share, 0) * b.previous_calls,
            v_failures + greatest(v_share, 0) * b.previous_failures
        into v_calls, v_failures
        from artery.breaker as b
        where b.endpoint_id = v_tally.endpoint_id;
        if v_calls >= v_tally.breaker_min_calls and v_failures >= v_tally.breaker_failure_rate * v_calls then
            perform artery._move_breaker(
                v_tally.endpoint_id,
                'open',
                format('%s of %s calls failed within %s', round(v_failures), round(v_calls), v_tally.breaker_window),
                v_tally.probe_at
            );
        end if;
    end loop;
end
$function$;
comment on function artery._count_calls(integer[], integer[], integer[], timestamptz) is
'Counts calls and failed calls by endpoint; opens, and after a probe closes, their breakers';
