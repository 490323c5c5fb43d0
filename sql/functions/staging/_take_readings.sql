/* Good readings go to artery_iot.sensor_reading, bad ones to iot_rejected_reading with all their
   reasons. A reading that is there already, for the same device, kind, moment and metric, is
   repeated and ignored where it says the same, a conflict where it does not. Then the roll-ups are
   brought up to date in the five-minute buckets that something new fell into. */
create or replace function artery_staging._take_readings(p_rows artery_staging.iot_sensor_reading[])
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_custom_plan'
as $function$
declare
    v_from constant timestamptz := artery_iot.readings_from('artery_iot.sensor_reading');
    v_messages_from constant timestamptz := artery_iot.readings_from('artery_iot.message');
    v_to constant timestamptz := clock_timestamp() + (select s.future_tolerance from artery_iot.setting as s);
    v_good bigint;
    v_new bigint;
    v_sequenced boolean;
    v_devices integer[];
    v_starts timestamptz[];
    v_ends timestamptz[];
begin
    perform artery_iot.ensure_days('artery_iot.sensor_reading', array(
        select distinct date_trunc('day', r.ts, 'UTC')
        from unnest(p_rows) as r
        where r.ts between v_from and v_to
    ));

    with checked as materialized (
        select
            r.*,
            d.id as device_id,
            array_remove(array[
                case when d.id is null then 'device' end,
                case when r.reason_code is not null and k.code is null then 'reason' end,
                case when r.item_code is not null and i.code is null then 'item' end
            ], null)
            || artery_staging._reading_faults(r, d.counter_modulus, d.sequence_modulus, v_from, v_to) as faults,
            case when r.kind in ('counter', 'measure') then coalesce(r.metric, '') else '' end as name
        from unnest(p_rows) as r
        left join artery_iot.device as d on d.code = r.device and d.enabled
        left join artery_erp.downtime_reason as k on k.code = r.reason_code
        left join artery_erp.item as i on i.code = r.item_code
    ),

    rejected as (
        insert into artery_staging.iot_rejected_reading (source, received_at, reading, reasons)
        select
            c.source,
            c.received_at,
            artery_staging._as_reading(row(
                c.device, c.ts, c.kind, c.metric, c.value, c.good, c.reject, c.state, c.reason_code,
                c.item_code, c.sequence, c.sent_at, c.historical, c.source, c.received_at
            )),
            artery_staging._reading_reasons(c.faults)
        from checked as c
        where c.faults <> '{}'
    ),

    inserted as (
        insert into artery_iot.sensor_reading as t (
            device_id, kind, ts, metric, value, good, reject, state, reason_code, item_code, historical,
            received_at
        )
        select
            c.device_id,
            c.kind,
            c.ts,
            c.name,
            c.value,
            c.good,
            c.reject,
            c.state,
            c.reason_code,
            c.item_code,
            coalesce(c.historical, false),
            c.received_at
        from checked as c
        where c.faults = '{}'
        on conflict (device_id, kind, ts, metric) do nothing
        returning t.device_id, t.ts
    ),

    spans as (
        select
            b.device_id,
            unnest(range_agg(tstzrange(b.bucket, b.bucket + interval '5 minutes'))) as span
        from (
            select distinct
                n.device_id,
                artery_iot.oee_bucket(n.ts) as bucket
            from inserted as n
        ) as b
        group by b.device_id
    )

    select
        (select count(*) from checked as c where c.faults = '{}'),
        (select count(*) from inserted),
        exists (select from checked as c where c.faults = '{}' and c.sequence is not null),
        array_agg(s.device_id order by s.device_id, s.span),
        array_agg(lower(s.span) order by s.device_id, s.span),
        array_agg(upper(s.span) order by s.device_id, s.span)
    into v_good, v_new, v_sequenced, v_devices, v_starts, v_ends
    from spans as s;

    if v_new < v_good then
        perform artery_staging._reject_conflicts(p_rows, v_from, v_to);
    end if;
    if v_devices is not null then
        perform artery_iot.fold_readings(v_devices, v_starts, v_ends);
    end if;
    if v_sequenced then
        perform artery_staging._take_messages(p_rows, v_messages_from, v_to);
    end if;
end
$function$;

comment on function artery_staging._take_readings(artery_staging.iot_sensor_reading[]) is
'Takes a batch of staged readings: stores, rejects, ignores repeated ones, brings the roll-ups up to date';
