create or replace function artery_staging.resubmit_readings(p_ids bigint[], p_reason text)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_row record;
    v_count bigint := 0::bigint;
begin
    -- one by one: each may be of another source and form, and may fail again
    for v_row in
        update artery_staging.iot_rejected_reading as r
        set
            status = 'resubmitted',
            resubmitted_at = clock_timestamp(),
            resubmitted_by = session_user,
            resubmit_reason = p_reason
        where r.id = any(p_ids) and r.status = 'rejected'
        returning r.source, r.reading
    loop
        if v_row.reading ? 'metrics' then
            perform artery_staging.receive_sparkplug(v_row.source, v_row.reading);
        else
            perform artery_staging.receive_readings(v_row.source, jsonb_build_array(v_row.reading));
        end if;
        v_count := v_count + 1;
    end loop;
    return v_count;
end
$function$;

comment on function artery_staging.resubmit_readings(bigint[], text) is
'Hands rejected readings in again, once the cause is gone; returns how many. One that fails again is rejected anew';
grant execute on function artery_staging.resubmit_readings(bigint[], text) to artery_operator;
