/* A sign of life, any reading, holds until the next one, at most for the device's heartbeat
   timeout; in between the machine is in the state that was said last. A state that came late holds
   until the next that was said, so the span reaches until there. Neighbours that go on in the same
   state are taken in, so that a machine that runs for days has one row. */
create or replace function artery_iot._rebuild_states(
    p_devices integer[], p_from timestamptz[], p_to timestamptz[]
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan'
as $function$
begin
    with reach as (
        select
            s.device_id,
            s.lo,
            case
                when exists (
                    select
                    from artery_iot.sensor_reading as r
                    where r.device_id = s.device_id and r.kind = 'state' and r.ts >= s.lo and r.ts < s.hi
                ) then coalesce(
                    (
                        select r.ts
                        from artery_iot.sensor_reading as r
                        where r.device_id = s.device_id and r.kind = 'state' and r.ts >= s.hi
                        order by r.ts
                        limit 1
                    ), 'infinity'
                )
                else s.hi + d.heartbeat_timeout
            end as hi
        from unnest(p_devices, p_from, p_to) as s (device_id, lo, hi)
        inner join artery_iot.device as d on d.id = s.device_id
    ),

    spans as materialized (
        select
            m.device_id,
            lower(m.span) as lo,
            upper(m.span) as hi,
            d.heartbeat_timeout as timeout,
            coalesce(
                (
                    select max(x.started_at)
                    from artery_iot.device_state as x
                    where x.device_id = m.device_id and x.started_at < lower(m.span)
                ), '-infinity'
            ) as first_row
        from (
            select
                r.device_id,
                unnest(range_agg(tstzrange(r.lo, r.hi))) as span
            from reach as r
            group by r.device_id
        ) as m
        inner join artery_iot.device as d on d.id = m.device_id
    ),

    gone as (
        delete from artery_iot.device_state as x
        using spans as s
        where
            x.device_id = s.device_id
            and x.started_at >= s.first_row and x.started_at <= s.hi and x.ended_at >= s.lo
        returning x.*
    ),

    -- a young partition has no statistics: offset 0 keeps it at index scans for each span
    alive as (
        select
            s.device_id,
            s.lo,
            range_agg(tstzrange(r.ts, r.ts + s.timeout))
            * tstzmultirange(tstzrange(s.lo, s.hi)) as during
        from spans as s
        cross join lateral (
            select i.ts
            from artery_iot.sensor_reading as i
            where
                i.device_id = s.device_id
                and i.kind = any('{heartbeat,counter,state,measure}')
                and i.ts >= s.lo - s.timeout and i.ts < s.hi
            offset 0
        ) as r
        group by s.device_id, s.lo, s.hi
    ),

    told as (
        select
            s.device_id,
            s.lo,
            t.state,
            t.reason_code,
            tstzrange(
                t.ts, lead(t.ts) over (partition by s.device_id, s.lo order by t.ts)
            ) as during
        from spans as s
        cross join lateral (
            select
                r.ts,
                r.state,
                r.reason_code
            from artery_iot.sensor_reading as r
            where r.device_id = s.device_id and r.kind = 'state' and r.ts >= s.lo and r.ts < s.hi
            union all
            -- what was said last before; where that is dropped, what was made of it; else nothing
            (
                select
                    '-infinity',
                    c.state,
                    c.reason_code
                from (
                    (
                        select
                            r.state,
                            r.reason_code,
                            1 as choice
                        from artery_iot.sensor_reading as r
                        where r.device_id = s.device_id and r.kind = 'state' and r.ts < s.lo
                        order by r.ts desc
                        limit 1
                    )
                    union all
                    (
                        select
                            x.state,
                            x.reason_code,
                            2
                        from artery_iot.device_state as x
                        where x.device_id = s.device_id and x.started_at < s.lo
                        order by x.started_at desc
                        limit 1
                    )
                    union all
                    select
                        'unknown',
                        null,
                        3
                ) as c
                order by c.choice
                limit 1
            )
            offset 0
        ) as t
    ),

    pieces as (
        select
            t.device_id,
            lower(u.piece) as started_at,
            upper(u.piece) as ended_at,
            t.state,
            t.reason_code
        from told as t
        inner join alive as a on a.device_id = t.device_id and a.lo = t.lo
        cross join lateral unnest(a.during * tstzmultirange(t.during)) as u (piece)
        union all
        select
            x.device_id,
            lower(u.piece),
            upper(u.piece),
            x.state,
            x.reason_code
        from gone as x
        cross join lateral unnest(
            tstzmultirange(tstzrange(x.started_at, x.ended_at))
            - (select range_agg(tstzrange(s.lo, s.hi)) from spans as s where s.device_id = x.device_id)
        ) as u (piece)
    ),

    numbered as (
        select
            p.*,
            count(*) filter (where p.changed) over (partition by p.device_id order by p.started_at) as island
        from (
            select
                p.*,
                (p.started_at, p.state, coalesce(p.reason_code, '')) is distinct from (
                    lag(p.ended_at) over w, lag(p.state) over w, coalesce(lag(p.reason_code) over w, '')
                ) as changed
            from pieces as p
            window w as (partition by p.device_id order by p.started_at)
        ) as p
    )

    insert into artery_iot.device_state (device_id, started_at, ended_at, state, reason_code)
    select
        n.device_id,
        min(n.started_at),
        max(n.ended_at),
        min(n.state),
        min(n.reason_code)
    from numbered as n
    group by n.device_id, n.island;
end
$function$;

comment on function artery_iot._rebuild_states(integer[], timestamptz[], timestamptz[]) is
'Derives artery_iot.device_state again from the readings of spans';
