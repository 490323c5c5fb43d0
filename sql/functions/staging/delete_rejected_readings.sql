create or replace function artery_staging.delete_rejected_readings(p_until timestamptz)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_before constant timestamptz := clock_timestamp() - (select s.rejected_keep from artery_iot.setting as s);
    v_batch bigint;
    v_count bigint := 0::bigint;
begin
    loop
        delete from artery_staging.iot_rejected_reading as r
        where r.id = any(array(
            select x.id
            from artery_staging.iot_rejected_reading as x
            where x.rejected_at < v_before
            order by x.rejected_at
            limit 5000
        ));
        get diagnostics v_batch = row_count;
        v_count := v_count + v_batch;
        exit when v_batch = 0 or clock_timestamp() >= p_until;
    end loop;
    return v_count;
end
$function$;
insert into artery.sweep_step (name, function, every, position)
values ('rejected_readings', 'artery_staging.delete_rejected_readings', '1 hour', 94)
on conflict (name) do nothing;

comment on function artery_staging.delete_rejected_readings(timestamptz) is
'Sweep step: deletes rejected readings past artery_iot.setting.rejected_keep; returns how many';
grant execute on function artery_staging.delete_rejected_readings(timestamptz) to artery_admin;
