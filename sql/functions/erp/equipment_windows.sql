/* Shifts begin and end on the clock of the site: where that is put forward or back, a night shift
   has an hour less or more. Between the shifts lie windows without a shift, cut at the site's
   midnights, so that every moment is in exactly one window. */
create or replace function artery_erp.equipment_windows(
    p_equipment text[], p_from timestamptz, p_to timestamptz
)
returns table (
    equipment_code text, day date, shift_code text, started_at timestamptz, ended_at timestamptz
)
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
with days as (
    select
        e.code,
        e.calendar_code,
        c.time_zone,
        (g.day at time zone 'UTC')::date as day
    from artery_erp.equipment as e
    inner join artery_erp.work_calendar as c on c.code = e.calendar_code
    cross join lateral generate_series(
        date_trunc('day', p_from at time zone c.time_zone) at time zone 'UTC' - interval '1 day',
        date_trunc('day', p_to at time zone c.time_zone) at time zone 'UTC',
        interval '1 day'
    ) as g (day)
    where e.code = any(p_equipment)
),

shifts as (
    select
        d.code as equipment_code,
        d.day,
        s.code as shift_code,
        (d.day + s.starts_at) at time zone d.time_zone as started_at,
        (d.day + (s.ends_at <= s.starts_at)::integer + s.ends_at) at time zone d.time_zone as ended_at
    from days as d
    inner join artery_erp.work_shift as s
        on
            s.calendar_code = d.calendar_code
            and d.day >= s.valid_from and (s.valid_to is null or d.day < s.valid_to)
    left join artery_erp.calendar_day as x on x.calendar_code = d.calendar_code and x.day = d.day
    where
        case
            when x.day is not null then s.code = any(x.shift_codes)
            else extract(isodow from d.day)::smallint = any(s.weekdays)
        end
),

gaps as (
    select
        d.code as equipment_code,
        d.day,
        null as shift_code,
        lower(u.piece) as started_at,
        upper(u.piece) as ended_at
    from (
        select
            d.code,
            d.day,
            tstzmultirange(tstzrange(
                d.day::timestamp at time zone d.time_zone,
                (d.day + 1)::timestamp at time zone d.time_zone
            )) - coalesce(
                range_agg(tstzrange(s.started_at, s.ended_at)) filter (where s.started_at < s.ended_at), '{}'
            ) as free
        from days as d
        cross join generate_series(0, 1) as before (days)
        left join shifts as s on s.equipment_code = d.code and s.day = d.day - before.days
        group by d.code, d.day, d.time_zone
    ) as d
    cross join lateral unnest(d.free) as u (piece)
)

select w.*
from (
    select * from shifts
    union all
    select * from gaps
) as w
where w.started_at < p_to and w.ended_at > p_from and w.started_at < w.ended_at
$function$;

comment on function artery_erp.equipment_windows(text[], timestamptz, timestamptz) is
'The shifts of machines, and the windows between them (shift_code null), that touch a time, '
'whole; day = the site''s date on which each starts';
grant execute on function artery_erp.equipment_windows(text[], timestamptz, timestamptz)
to artery_reader;
