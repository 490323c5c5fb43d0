create or replace function artery_staging._stage_readings(
    p_source text, p_device text, p_readings jsonb
)
returns bigint
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_count bigint;
begin
    insert into artery_staging.iot_reading_batch as b (readings)
    select coalesce(array_agg(row(
        coalesce(r.device, p_device), r.ts, r.kind, r.metric, r.value, r.good, r.reject, r.state,
        r.reason_code, r.item_code, r.sequence, r.sent_at, r.historical, p_source, now()
    )::artery_staging.iot_sensor_reading), '{}')
    from jsonb_to_recordset(p_readings) as r (
        device text, ts timestamptz, kind text, metric text, value double precision, good numeric,
        reject numeric, state text, reason_code text, item_code text, sequence bigint,
        sent_at timestamptz, historical boolean
    )
    returning b.length::bigint into v_count;
    return v_count;
end
$function$;

comment on function artery_staging._stage_readings(text, text, jsonb) is
'Stages an array of readings, as one row; returns how many. Errors: 22xxx where a value does not have its type';

-- One reading whose values do not have their types is kept by itself, as it came
create or replace function artery_staging._receive_reading(
    p_source text, p_device text, p_reading jsonb
)
returns jsonb
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_message text;
    v_reasons jsonb;
begin
    if jsonb_typeof(p_reading) = 'object' then
        perform artery_staging._stage_readings(p_source, p_device, jsonb_build_array(p_reading));
        return null;
    end if;
    v_message := 'a reading is an object';
    raise exception using
        errcode = 'invalid_parameter_value',
        message = v_message,
        detail = 'It is of another JSON type.',
        hint = 'See docs/oee.md.';
exception when data_exception then
    get stacked diagnostics v_message = message_text;
    v_reasons := artery_staging._reading_reasons('{form}')
        || jsonb_build_array(jsonb_build_object('code', sqlstate, 'path', '', 'message', v_message));
    insert into artery_staging.iot_rejected_reading (source, reading, received_at, reasons)
    values (
        p_source,
        case
            when jsonb_typeof(p_reading) <> 'object' or p_reading ? 'device' then p_reading
            else jsonb_strip_nulls(jsonb_build_object('device', p_device)) || p_reading
        end,
        clock_timestamp(), v_reasons
    );
    return v_reasons;
end
$function$;

comment on function artery_staging._receive_reading(text, text, jsonb) is
'Stages one reading, or keeps it as rejected: gives the reasons then, else null';

/* All readings at once; if one of them does not fit its columns, each by itself. */
create or replace function artery_staging.receive_readings(
    p_source text, p_readings jsonb, p_device text default null
)
returns jsonb
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_accepted bigint;
    v_rejected jsonb;
begin
    begin
        v_accepted := artery_staging._stage_readings(p_source, p_device, p_readings);
        return jsonb_build_object(
            'status', 'accepted', 'accepted', v_accepted, 'rejected', 0, 'reasons', '[]'::jsonb
        );
    exception when data_exception then
        null;
    end;

    -- one by one, as each may fail
    select
        count(*) filter (where x.reasons is null),
        coalesce(
            jsonb_agg(jsonb_build_object('reading', x.place - 1, 'reasons', x.reasons) order by x.place)
            filter (where x.reasons is not null), '[]'
        )
    into v_accepted, v_rejected
    from (
        select
            e.place,
            artery_staging._receive_reading(p_source, p_device, e.reading) as reasons
        from jsonb_array_elements(p_readings) with ordinality as e (reading, place)
    ) as x;
    return jsonb_build_object(
        'status', case when v_accepted > 0 then 'accepted' else 'rejected' end,
        'accepted', v_accepted, 'rejected', jsonb_array_length(v_rejected), 'reasons', v_rejected
    );
end
$function$;

comment on function artery_staging.receive_readings(text, jsonb, text) is
'Stages an array of readings, of p_device where they name none: {"status", "accepted", "rejected", "reasons": [{"reading": place from 0, "reasons"}]}';
revoke execute on function artery_staging.receive_readings(text, jsonb, text) from public;
