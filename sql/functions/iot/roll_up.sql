/* Counts again what is stale, shift by shift: whole windows, as calendars have them now. Besides
   what readings and records marked, that is each shift that goes on, and the time since the last
   window that was counted. The locks of stale rows keep two apart; rows that come in meanwhile
   wait for the next time. */
create or replace function artery_iot.roll_up(p_until timestamptz)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $function$
declare
    v_codes text[];
    v_batch text[];
    v_now timestamptz;
    v_count bigint := 0::bigint;
begin
    -- machines whose figures end before now: all; in turns, the ones that waited longest first
    select array_agg(e.code order by l.counted_to nulls first, e.code)
    into v_codes
    from artery_erp.equipment as e
    left join lateral (
        select max(s.counted_to) as counted_to
        from artery_iot.oee_shift as s
        where
            s.equipment_code = e.code
            and s.started_at >= (
                select max(x.started_at)
                from artery_iot.oee_shift as x
                where x.equipment_code = e.code
            )
    ) as l on true;

    for v_first in 1 .. coalesce(cardinality(v_codes), 0) by 50 loop
        exit when clock_timestamp() >= p_until;
        v_batch := v_codes[v_first : v_first + 49];
        v_now := clock_timestamp();
        v_count := v_count + artery_iot._count_shifts(v_batch, v_now);
    end loop;
    return v_count;
end
$function$;
insert into artery.sweep_step (name, function, every, position)
values ('oee_roll_up', 'artery_iot.roll_up', '10 seconds', 50)
on conflict (name) do nothing;

comment on function artery_iot.roll_up(timestamptz) is
'Sweep step: brings artery_iot.oee_shift up to date, until that moment; returns how many windows were counted';
grant execute on function artery_iot.roll_up(timestamptz) to artery_admin;
