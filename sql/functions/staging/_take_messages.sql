create or replace function artery_staging._take_messages(
    p_rows artery_staging.iot_sensor_reading[], p_from timestamptz, p_to timestamptz
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_custom_plan'
as $function$
declare
    v_days timestamptz[];
    v_devices integer[];
    v_starts timestamptz[];
    v_ends timestamptz[];
begin
    select array_agg(distinct date_trunc('day', coalesce(r.sent_at, r.ts), 'UTC'))
    into v_days
    from unnest(p_rows) as r
    where coalesce(r.sent_at, r.ts) between p_from and p_to and r.sequence >= 0;
    perform artery_iot.ensure_days('artery_iot.message', v_days);

    with inserted as (
        insert into artery_iot.message as t (device_id, sent_at, sequence)
        select distinct
            d.id,
            coalesce(r.sent_at, r.ts),
            r.sequence
        from unnest(p_rows) as r
        inner join artery_iot.device as d on d.code = r.device and d.enabled
        where
            coalesce(r.sent_at, r.ts) between p_from and p_to
            and r.sequence >= 0 and (d.sequence_modulus is null or r.sequence < d.sequence_modulus)
            -- sent later than measured, and nobody says when: has no place in the order
            and not (r.sent_at is null and coalesce(r.historical, false))
        on conflict (device_id, sent_at, sequence) do nothing
        returning t.device_id, t.sent_at
    ),

    spans as (
        select
            b.device_id,
            unnest(range_agg(tstzrange(b.bucket, b.bucket + interval '5 minutes'))) as span
        from (
            select distinct
                n.device_id,
                artery_iot.oee_bucket(n.sent_at) as bucket
            from inserted as n
        ) as b
        group by b.device_id
    )

    select
        array_agg(s.device_id),
        array_agg(lower(s.span)),
        array_agg(upper(s.span))
    into v_devices, v_starts, v_ends
    from spans as s;
    if v_devices is not null then
        perform artery_iot._rebuild_sequence(v_devices, v_starts, v_ends);
    end if;
end
$function$;

comment on function artery_staging._take_messages(
    artery_staging.iot_sensor_reading[], timestamptz, timestamptz
) is
'Notes the sequence numbers of the messages that a batch of readings came in, and finds the gaps between them';
