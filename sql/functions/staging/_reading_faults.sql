-- What may be wrong with a reading: one list, so that a code is explained alike everywhere
create or replace function artery_staging._reading_reasons(p_faults text[])
returns jsonb
language sql
immutable
set search_path = pg_catalog, pg_temp
as $function$
select coalesce(
    jsonb_agg(
        jsonb_build_object('code', k.code, 'path', k.path, 'message', k.message, 'hint', k.hint)
        order by f.place
    ), '[]'
)
from unnest(p_faults) with ordinality as f (fault, place)
inner join (
    values
    ('device', 'IN401', '/device', 'no such device, or it is disabled', 'Enter it in artery_iot.device.'),
    ('ts', 'IN402', '/ts', 'the time is missing or impossible', 'Send a finite time with its zone.'),
    ('future', 'IN402', '/ts', 'the time is in the future', 'Set the device''s clock.'),
    ('old', 'IN402', '/ts', 'older than readings are kept', 'See artery.partitioning.keep.'),
    ('sent', 'IN402', '/sent_at', 'sent_at is impossible', 'Send a finite time, not in the future.'),
    ('kind', 'IN403', '/kind', 'unknown kind', 'heartbeat, counter, state or measure.'),
    ('metric', 'IN403', '/metric', 'the metric''s name is too long', 'At most 200 characters.'),
    ('counter', 'IN403', '/good', 'a counter without a count', 'Send good, reject or both.'),
    ('good', 'IN403', '/good', 'no count', 'A number from 0 to 999999999999999.'),
    ('reject', 'IN403', '/reject', 'no count', 'A number from 0 to 999999999999999.'),
    ('modulus', 'IN403', '/good', 'above the modulus of the device', 'Correct artery_iot.device.'),
    ('state', 'IN403', '/state', 'unknown state', 'running, idle, setup, down or offline.'),
    ('value', 'IN403', '/value', 'no measured value', 'A finite number.'),
    ('sequence', 'IN403', '/sequence', 'no sequence number', '0 or more, below the modulus of the device.'),
    ('reason', 'IN404', '/reason_code', 'unknown reason', 'Enter it in artery_erp.downtime_reason.'),
    ('item', 'IN404', '/item_code', 'unknown item', 'Enter it in artery_erp.item.'),
    ('conflict', 'IN405', '', 'taken already with other values', 'A reading cannot be changed.'),
    ('alias', 'IN406', '/alias', 'the alias stands for nothing', 'The device''s birth certificate is needed first.'),
    ('extra', 'IN403', '/kind', 'columns that this kind does not have', 'One row for each kind of reading.'),
    ('form', 'IN403', '', 'a value does not have its type', 'See docs/oee.md for the columns.')
) as k (fault, code, path, message, hint) on k.fault = f.fault
$function$;

/* Of a staged reading, whose codes were looked up. One expression without branches into functions:
   it runs for every reading. */
create or replace function artery_staging._reading_faults(
    p_row artery_staging.iot_sensor_reading,
    p_counter_modulus numeric,
    p_sequence_modulus integer,
    p_from timestamptz,
    p_to timestamptz
)
returns text[]
language sql
immutable
parallel safe
as $function$
select array_remove(array[
    case
        when not coalesce(isfinite((p_row).ts), false) then 'ts'
        when (p_row).ts > p_to then 'future'
        when (p_row).ts < p_from then 'old'
    end,
    case when (p_row).sent_at > p_to or not isfinite((p_row).sent_at) then 'sent' end,
    case
        when (p_row).kind = 'counter' then case
            when (p_row).good is null and (p_row).reject is null then 'counter'
            when not coalesce((p_row).good between 0 and 999999999999999, true) then 'good'
            when not coalesce((p_row).reject between 0 and 999999999999999, true) then 'reject'
            when greatest((p_row).good, (p_row).reject) >= p_counter_modulus then 'modulus'
        end
        when (p_row).kind = 'measure' then case
            when not coalesce((p_row).value between -1.7e308 and 1.7e308, false) then 'value'
        end
        when (p_row).kind = 'state' then case
            when not coalesce((p_row).state = any('{running,idle,setup,down,offline}'), false) then 'state'
        end
        when (p_row).kind is distinct from 'heartbeat' then 'kind'
    end,
    case
        when (p_row).value is not null and (p_row).kind <> 'measure'
            or coalesce((p_row).good, (p_row).reject) is not null and (p_row).kind <> 'counter'
            or (p_row).item_code is not null and (p_row).kind <> 'counter'
            or coalesce((p_row).state, (p_row).reason_code) is not null and (p_row).kind <> 'state'
            then 'extra'
    end,
    case when length((p_row).metric) > 200 then 'metric' end,
    case
        when (p_row).sequence < 0 or (p_row).sequence >= p_sequence_modulus then 'sequence'
    end
], null)
$function$;

comment on function artery_staging._reading_reasons(text[]) is
'Faults of a reading as the reasons that are kept with it: [{"code", "path", "message", "hint"}]';
comment on function artery_staging._reading_faults(
    artery_staging.iot_sensor_reading, numeric, integer, timestamptz, timestamptz
) is
'What is wrong with a staged reading by itself, given the moduli of its device and the times that are possible';
