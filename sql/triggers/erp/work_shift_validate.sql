-- Two shifts at once would count the same minutes twice
create or replace function artery_erp.work_shift_validate()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_other text;
begin
    -- two writers of one calendar wait for each other here
    perform
    from artery_erp.work_calendar as c
    where c.code = new.calendar_code
    for update;

    -- seconds of a week; a week earlier and later too, as Sunday meets Monday
    with shifts as (
        select
            s.code,
            s.valid_from,
            int4range(
                d.day * 86400 + extract(epoch from s.starts_at)::integer,
                (d.day + (s.ends_at <= s.starts_at)::integer) * 86400
                + extract(epoch from s.ends_at)::integer
            ) as during
        from artery_erp.work_shift as s
        cross join unnest(s.weekdays) as d (day)
        where
            s.calendar_code = new.calendar_code
            and daterange(s.valid_from, s.valid_to) && daterange(new.valid_from, new.valid_to)
    )

    select format('%s and %s', a.code, b.code)
    into v_other
    from shifts as a
    inner join shifts as b on (a.code, a.valid_from, a.during) <> (b.code, b.valid_from, b.during)
    cross join generate_series(-604800, 604800, 604800) as week (shift)
    where
        (a.code, a.valid_from) = (new.code, new.valid_from)
        and a.during && int4range(lower(b.during) + week.shift, upper(b.during) + week.shift)
    limit 1;
    if found then
        raise exception using
            errcode = 'exclusion_violation',
            message = format('shifts %s of calendar %s overlap', v_other, new.calendar_code),
            detail = format(
                'Shift %s: %s to %s on days %s.', new.code, new.starts_at, new.ends_at, new.weekdays
            ),
            hint = 'A shift ends at the latest where the next begins; ends_at not after starts_at is the next day.',
            schema = 'artery_erp',
            table = 'work_shift';
    end if;
    return null;
end
$function$;

create or replace trigger work_shift_validate
after insert or update on artery_erp.work_shift
for each row
execute function artery_erp.work_shift_validate();

comment on function artery_erp.work_shift_validate() is
'Refuses shifts of one calendar that overlap in the same week (23P01)';
