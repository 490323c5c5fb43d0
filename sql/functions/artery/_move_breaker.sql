-- Every transition goes through here: one event each, none where nothing changes
create or replace function artery._move_breaker(
    p_endpoint_id integer, p_state text, p_reason text, p_probe_at timestamptz default null,
    p_by_hand boolean default false
)
returns boolean
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_from text;
begin
    insert into artery.breaker (endpoint_id)
    values (p_endpoint_id)
    on conflict do nothing;
    select b.state into v_from from artery.breaker as b where b.endpoint_id = p_endpoint_id for update;

    update artery.breaker as b
    set
        state = p_state,
        by_hand = p_by_hand,
        reason = p_reason,
        probe_at = p_probe_at,
        changed_at = case when b.state = p_state then b.changed_at else clock_timestamp() end,
        window_started_at = clock_timestamp(),
        calls = 0,
        failures = 0,
        previous_calls = 0,
        previous_failures = 0
    where b.endpoint_id = p_endpoint_id;
    if v_from = p_state then
        return false;
    end if;

    insert into artery.breaker_event (endpoint_id, from_state, to_state, reason, by_role)
    values (p_endpoint_id, v_from, p_state, p_reason, session_user);
    return true;
end
$function$;
comment on function artery._move_breaker(integer, text, text, timestamptz, boolean) is
'Puts a breaker into a state and records the transition; false where it was in that state already';
