/* A place in the table as one number: 512 to a block, more than any block has rows. A range of
   places is read as a range of row addresses, with no index: what is there is the queue, and what
   was processed is deleted. */
create or replace function artery_staging._place(p_place bigint)
returns tid
language sql
immutable
strict
parallel safe
set search_path = pg_catalog, pg_temp
as $function$
select format('(%s,%s)', p_place / 512, p_place % 512)::tid
$function$;

comment on function artery_staging._place(bigint) is 'The row address of a place: block * 512 + number in the block';

/* All rows of a range, or, where that fails for a reason that is not seen beforehand, its halves,
   down to the one row that is guilty: it is kept with the error as its reason, its neighbours are
   processed. Errors that pass by themselves (deadlock, full disk, shutdown) leave all in place. */
create or replace function artery_staging._process_places(p_from bigint, p_to bigint)
returns bigint
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_taken artery_staging.iot_sensor_reading[];
    v_state text;
    v_message text;
    v_middle bigint := (p_from + p_to) / 2;
begin
    begin
        with taken as (
            delete from artery_staging.iot_sensor_reading as r
            where r.ctid >= artery_staging._place(p_from) and r.ctid < artery_staging._place(p_to)
            returning r
        )

        select array_agg(t.r)
        into v_taken
        from taken as t;
        if v_taken is not null then
            perform artery_staging._take_readings(v_taken);
        end if;
        return coalesce(cardinality(v_taken), 0)::bigint;
    exception when others then
        get stacked diagnostics
            v_state = returned_sqlstate,
            v_message = message_text;
        if left(v_state, 2) in ('40', '53', '55', '57', '58', 'XX') then
            raise;
        end if;
    end;

    if p_to - p_from > 1 then
        return artery_staging._process_places(p_from, v_middle)
            + artery_staging._process_places(v_middle, p_to);
    end if;
    with taken as (
        delete from artery_staging.iot_sensor_reading as r
        where r.ctid = artery_staging._place(p_from)
        returning r
    )

    insert into artery_staging.iot_rejected_reading (source, reading, received_at, reasons)
    select
        (t.r).source,
        artery_staging._as_reading(t.r),
        (t.r).received_at,
        jsonb_build_array(jsonb_build_object('code', v_state, 'path', '', 'message', v_message))
    from taken as t;
    return 1::bigint;
end
$function$;

comment on function artery_staging._process_places(bigint, bigint) is
'Takes the staged readings of a range of places; returns how many';

create or replace function artery_staging.process_sensor_readings(p_until timestamptz)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set work_mem = '64MB'
as $function$
declare
    -- about 60,000 rows
    v_blocks constant bigint := 1000::bigint;
    v_block bigint;
    v_end bigint;
    v_next bigint;
    v_left bigint;
    v_count bigint;
begin
    -- one sweep at a time
    select c.block
    into v_block
    from artery_staging.iot_cursor as c
    for update;
    v_count := artery_staging._process_batches(p_until);
    -- once round: to the end, then on from the start, where vacuum makes room for new rows
    v_end := pg_relation_size('artery_staging.iot_sensor_reading') / current_setting('block_size')::bigint;
    if v_block >= v_end then
        v_block := 0::bigint;
    end if;
    v_left := v_end;
    while v_left > 0 and clock_timestamp() < p_until loop
        v_next := least(v_block + v_blocks, v_block + v_left, v_end);
        v_count := v_count + artery_staging._process_places(v_block * 512, v_next * 512);
        v_left := v_left - (v_next - v_block);
        v_block := case when v_next < v_end then v_next else 0 end;
    end loop;

    update artery_staging.iot_cursor as c
    set block = v_block
    where c.block <> v_block;
    return v_count;
end
$function$;
insert into artery.sweep_step (name, function, every, position)
values ('sensor_readings', 'artery_staging.process_sensor_readings', '1 second', 40)
on conflict (name) do nothing;

comment on function artery_staging.process_sensor_readings(timestamptz) is
'Sweep step: takes readings from artery_staging.iot_reading_batch and iot_sensor_reading, until that moment; returns how many';
grant execute on function artery_staging.process_sensor_readings(timestamptz) to artery_admin;
