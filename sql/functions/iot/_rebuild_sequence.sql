/* In the order of sending, each message has the number after that of the one before. With a
   modulus numbers wrap, and every difference is a gap, except an unexpected 0: Sparkplug's devices
   begin anew with it. Without one, a number that does not rise is a device that began anew. */
create or replace function artery_iot._rebuild_sequence(
    p_devices integer[], p_from timestamptz[], p_to timestamptz[]
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan'
as $function$
begin
    delete from artery_iot.sequence_event as e
    using unnest(p_devices, p_from, p_to) as s (device_id, lo, hi)
    where
        e.device_id = s.device_id
        and e.sent_at >= s.lo
        and e.sent_at <= coalesce(
            (
                select min(m.sent_at)
                from artery_iot.message as m
                where m.device_id = s.device_id and m.sent_at >= s.hi
            ), 'infinity'
        );

    with spans as (
        select s.*
        from unnest(p_devices, p_from, p_to) with ordinality as s (device_id, lo, hi, span)
    ),

    ordered as (
        select
            x.*,
            lag(x.sequence) over w as previous,
            lag(x.sent_at) over w as previous_at
        from (
            select
                s.span,
                s.lo,
                m.*
            from spans as s
            inner join artery_iot.message as m on m.device_id = s.device_id
            where m.sent_at >= s.lo and m.sent_at < s.hi
            union all
            select
                s.span,
                s.lo,
                b.*
            from spans as s
            cross join lateral (
                select m.*
                from artery_iot.message as m
                where m.device_id = s.device_id and m.sent_at < s.lo
                order by m.sent_at desc, m.sequence desc
                limit 1
            ) as b
            union all
            -- all of the next moment: two messages may have been sent in it
            select
                s.span,
                s.lo,
                n.*
            from spans as s
            cross join lateral (
                select m.*
                from artery_iot.message as m
                where m.device_id = s.device_id and m.sent_at >= s.hi
                order by m.sent_at
                fetch first row with ties
            ) as n
        ) as x
        window w as (partition by x.span order by x.sent_at, x.sequence)
    )

    insert into artery_iot.sequence_event (
        device_id, sent_at, sequence, expected, missing, previous_at
    )
    select
        o.device_id,
        o.sent_at,
        o.sequence,
        e.expected,
        case
            when d.sequence_modulus is not null and o.sequence > 0
                then (o.sequence - e.expected + d.sequence_modulus) % d.sequence_modulus
            when o.sequence > e.expected and d.sequence_modulus is null then o.sequence - e.expected
        end,
        o.previous_at
    from ordered as o
    inner join artery_iot.device as d on d.id = o.device_id
    cross join lateral (
        select case
            when o.previous + 1 = d.sequence_modulus then 0
            else o.previous + 1
        end as expected
    ) as e
    where o.sent_at >= o.lo and o.sequence <> e.expected
    on conflict (device_id, sent_at, sequence) do nothing;
end
$function$;

comment on function artery_iot._rebuild_sequence(integer[], timestamptz[], timestamptz[]) is
'Finds artery_iot.sequence_event again for messages sent within spans, and for the next one after each';
