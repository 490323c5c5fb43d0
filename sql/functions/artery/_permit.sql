/* May an endpoint be called now, and how often? Breaker, then limiter, then calls in flight: a
   quota is not spent on a receiver that is down. Locks the endpoint's rows, so that all runners
   together keep within the limits; whoever finds them locked gets nothing this time rather than
   wait.

   The limiter is the generic cell rate algorithm (ITU-T I.371), a token bucket kept as one moment:
   with T = 1 / rate, the first call of a batch may go at next_free_at - (burst - 1) T, call k after
   it at max(now, next_free_at) + k T - (burst - 1) T, and next_free_at becomes max(now,
   next_free_at) + n T. Up to a second's worth is handed out ahead, each call with its own delay:
   one claim a second serves any rate. */
create or replace function artery._permit(
    p_endpoint_id integer, p_wanted integer, p_now timestamptz,
    out room integer, out first_ms double precision, out next_ms double precision,
    out step_ms double precision
)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_endpoint record;
    v_probe_at timestamptz;
    v_next_free_at timestamptz;
begin
    room := p_wanted;
    first_ms := 0;
    next_ms := 0;
    step_ms := 0;
    select
        e.rate_per_second,
        e.burst,
        -- what is claimed and not reported when a runner dies is held for a person: keep it few
        coalesce(e.max_in_flight, case when not e.idempotent then 10 end) as max_in_flight
    into v_endpoint
    from artery.endpoint as e
    where e.id = p_endpoint_id;

    select b.probe_at
    into v_probe_at
    from artery.breaker as b
    where b.endpoint_id = p_endpoint_id and b.state <> 'closed'
    for no key update skip locked;
    if found then
        if v_probe_at <= p_now then
            room := 1;
        else
            room := 0;
            return;
        end if;
    elsif exists (
        select from artery.breaker as b
        where b.endpoint_id = p_endpoint_id and b.state <> 'closed'
    ) then
        room := 0;
        return;
    end if;

    if v_endpoint.rate_per_second is not null or v_endpoint.max_in_flight is not null then
        -- the row lock below does not keep two who both have to make the row apart
        if not pg_try_advisory_xact_lock(hashtext('artery.rate_limiter'), p_endpoint_id) then
            room := 0;
            return;
        end if;
        insert into artery.rate_limiter (endpoint_id)
        values (p_endpoint_id)
        on conflict do nothing;
        select l.next_free_at
        into v_next_free_at
        from artery.rate_limiter as l
        where l.endpoint_id = p_endpoint_id
        for no key update skip locked;
        if not found then
            room := 0;
            return;
        end if;
    end if;

    if v_endpoint.rate_per_second is not null then
        step_ms := (1000 / v_endpoint.rate_per_second)::double precision;
        first_ms := (
            extract(epoch from coalesce(v_next_free_at, p_now - interval '1 day') - p_now) * 1000
        )::double precision;
        next_ms := greatest(first_ms, 0) + (2 - v_endpoint.burst) * step_ms;
        first_ms := first_ms - (v_endpoint.burst - 1) * step_ms;
        room := least(room, (floor((1000 - next_ms) / step_ms) + 2)::integer);
    end if;

    if v_endpoint.max_in_flight is not null then
        room := least(room, v_endpoint.max_in_flight - (
            select count(*)::integer
            from artery.integration_task as t
            where t.endpoint_id = p_endpoint_id and t.status = 'processing'
        ));
    end if;
    room := greatest(room, 0);
end
$function$;
comment on function artery._permit(integer, integer, timestamptz) is
'How many calls an endpoint may get now, of those wanted, and when, in milliseconds from now: the '
'first, the next, then one every step_ms; negative = since then';

-- What became of a permit: p_count calls were claimed under it, in the same transaction
create or replace function artery._spend(
    p_endpoint_id integer, p_count integer, p_step_ms double precision, p_now timestamptz,
    p_lease interval
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    if p_step_ms > 0 then
        update artery.rate_limiter as l
        set next_free_at = greatest(l.next_free_at, p_now) + p_count * p_step_ms * interval '1 millisecond'
        where l.endpoint_id = p_endpoint_id;
    end if;

    if exists (
        select from artery.breaker as b
        where b.endpoint_id = p_endpoint_id and b.state <> 'closed'
    ) then
        perform artery._move_breaker(p_endpoint_id, 'half_open', 'one call probes', p_now + p_lease);
    end if;
end
$function$;
comment on function artery._spend(integer, integer, double precision, timestamptz, interval) is
'Counts calls claimed under artery._permit: moves the limiter on, makes an open breaker half open';
