/* Batches are taken whole, as many as make about 60,000 readings. Where that fails for a reason
   that is not seen beforehand, they go on as rows, among which the guilty one is found. */
create or replace function artery_staging._process_batches(p_until timestamptz)
returns bigint
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_most constant integer := 60000;
    v_ids bigint[];
    v_taken artery_staging.iot_sensor_reading[];
    v_count bigint := 0::bigint;
begin
    while clock_timestamp() < p_until loop
        select array_agg(n.id)
        into v_ids
        from (
            select
                b.id,
                sum(b.length) over (order by b.id) - b.length as before
            from artery_staging.iot_reading_batch as b
            order by b.id
            limit 5000
        ) as n
        where n.before < v_most;
        exit when v_ids is null;

        with batch as (
            delete from artery_staging.iot_reading_batch as b
            where b.id = any(v_ids)
            returning b.readings
        )

        select array_agg(r)
        into v_taken
        from batch as b
        cross join lateral unnest(b.readings) as r;
        continue when v_taken is null;

        begin
            -- a batch may be larger than that
            for v_first in 1..cardinality(v_taken) by v_most loop
                perform artery_staging._take_readings(v_taken[v_first:v_first + v_most - 1]);
            end loop;
            v_count := v_count + cardinality(v_taken);
        exception when others then
            if left(sqlstate, 2) in ('40', '53', '55', '57', '58', 'XX') then
                raise;
            end if;
            insert into artery_staging.iot_sensor_reading
            select r.*
            from unnest(v_taken) as r;
        end;
    end loop;
    return v_count;
end
$function$;

comment on function artery_staging._process_batches(timestamptz) is
'Takes the staged batches of readings, until that moment; returns how many readings';
