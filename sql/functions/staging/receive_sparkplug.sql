/* The JSON form of a Sparkplug B payload. Group, edge node and device of the topic name the device.
   A birth tells names and aliases; later messages may give the alias alone. Times are milliseconds
   since 1970. What a metric means its name says, the part after the last slash: good and reject are
   counters, state, reason and item go with them; all else is a measure. The message itself is a
   heartbeat and carries the sequence number; a death says offline. */
create or replace function artery_staging.receive_sparkplug(p_source text, p_message jsonb)
returns jsonb
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_topic text[] := string_to_array(p_message ->> 'topic', '/');
    v_type text := upper(coalesce(v_topic[3], p_message ->> 'type', 'DDATA'));
    v_device text := coalesce(p_message ->> 'device', concat_ws('/', v_topic[2], v_topic[4], v_topic[5]));
    v_device_id integer := (select d.id from artery_iot.device as d where d.code = v_device);
    v_sent_at timestamptz;
    v_metrics jsonb := coalesce(nullif(p_message -> 'metrics', 'null'), '[]');
    v_readings jsonb;
    v_unknown jsonb;
    v_answer jsonb;
begin
    if jsonb_typeof(v_metrics) <> 'array' or not coalesce(
        jsonb_typeof(p_message -> 'timestamp') = 'number'
        and (p_message ->> 'timestamp')::numeric between 0 and 253402300799999, false
    ) then
        raise exception using
            errcode = 'invalid_parameter_value',
            message = 'no Sparkplug payload: timestamp is no time in milliseconds, or metrics is no array',
            detail = format('Device %s, timestamp %s.', v_device, left((p_message -> 'timestamp')::text, 50)),
            hint = 'Send {"topic", "timestamp", "seq", "metrics": [{"name" or "alias", "value"}]}.';
    end if;
    v_sent_at := to_timestamp((p_message ->> 'timestamp')::numeric / 1000.0);

    if v_type like '%BIRTH' and v_device_id is not null then
        delete from artery_iot.device_metric as m
        where m.device_id = v_device_id;
        insert into artery_iot.device_metric (device_id, alias, name)
        select
            v_device_id,
            (m.metric ->> 'alias')::bigint,
            m.metric ->> 'name'
        from jsonb_array_elements(v_metrics) as m (metric)
        where m.metric ->> 'alias' ~ '^\d{1,18}$' and m.metric ? 'name'
        on conflict (device_id, alias) do nothing;
    end if;

    with metrics as (
        select
            e.metric,
            coalesce(e.metric ->> 'name', a.name) as name,
            lower(substring(coalesce(e.metric ->> 'name', a.name) from '[^/]*$')) as meaning,
            e.metric ->> 'value' as value,
            case
                when jsonb_typeof(e.metric -> 'timestamp') = 'number'
                    then to_timestamp((e.metric ->> 'timestamp')::numeric / 1000.0)
                else v_sent_at
            end as ts,
            coalesce(
                e.metric -> 'is_historical', e.metric -> 'isHistorical', 'false'
            ) = 'true' as historical
        from jsonb_array_elements(v_metrics) as e (metric)
        left join artery_iot.device_metric as a
            on a.device_id = v_device_id and a.alias::text = e.metric ->> 'alias'
    ),

    readings as (
        select jsonb_build_object(
            'device', v_device, 'ts', v_sent_at, 'kind', 'heartbeat',
            'sequence', p_message -> 'seq'
        ) as reading
        where v_type not like '%DEATH'
        union all
        select jsonb_build_object(
            'device', v_device, 'ts', v_sent_at, 'kind', 'state', 'state', 'offline'
        )
        where v_type like '%DEATH'
        union all
        select jsonb_build_object(
            'device', v_device, 'ts', m.ts, 'historical', m.historical
        ) || case m.meaning
            when 'state' then jsonb_build_object(
                'kind', 'state', 'state', lower(m.value), 'reason_code', (
                    select r.value
                    from metrics as r
                    where r.meaning = 'reason' and r.ts = m.ts
                    limit 1
                )
            )
            when 'good' then jsonb_build_object('kind', 'counter', 'metric', m.name, 'good', m.value)
            when 'reject' then jsonb_build_object('kind', 'counter', 'metric', m.name, 'reject', m.value)
            else jsonb_build_object(
                'kind', 'measure', 'metric', m.name,
                'value', case m.value when 'true' then '1' when 'false' then '0' else m.value end
            )
        end || case
            when m.meaning in ('good', 'reject') then jsonb_build_object('item_code', (
                select r.value
                from metrics as r
                where r.meaning = 'item' and r.ts = m.ts
                limit 1
            ))
            else '{}'
        end
        from metrics as m
        where m.name is not null and m.meaning not in ('reason', 'item', 'bdseq')
    )

    select
        (select jsonb_agg(r.reading) from readings as r),
        (select jsonb_agg(m.metric) from metrics as m where m.name is null)
    into v_readings, v_unknown;

    v_answer := artery_staging.receive_readings(p_source, v_readings);
    if v_unknown is not null then
        insert into artery_staging.iot_rejected_reading (source, reading, received_at, reasons)
        values (
            p_source, p_message - 'seq' || jsonb_build_object('metrics', v_unknown), clock_timestamp(),
            artery_staging._reading_reasons('{alias}')
        );
        v_answer := jsonb_set(
            v_answer, '{rejected}', to_jsonb((v_answer ->> 'rejected')::bigint + jsonb_array_length(v_unknown))
        );
        v_answer := jsonb_set(
            v_answer, '{reasons}', (v_answer -> 'reasons') || jsonb_build_array(jsonb_build_object(
                'metrics', v_unknown, 'reasons', artery_staging._reading_reasons('{alias}')
            ))
        );
    end if;
    return v_answer;
end
$function$;

comment on function artery_staging.receive_sparkplug(text, jsonb) is
'Stages the metrics of one Sparkplug-like message; answers as receive_readings. Errors: 22023 no such payload';
revoke execute on function artery_staging.receive_sparkplug(text, jsonb) from public;
