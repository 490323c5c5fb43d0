/* A runner that was not seen for a minute is taken for dead: marked stopped, so that no enqueue
   notifies it in vain. Its tasks come back through their leases. */
create or replace function artery.forget_runners(p_until timestamptz)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_count bigint;
begin
    -- @plpgsql_check_options: extra_warnings = off
    -- every step is given its time limit, and this one is too short to need it
    update artery.runner as r
    set
        stopped_at = clock_timestamp(),
        asleep = false
    where r.stopped_at is null and r.seen_at < clock_timestamp() - interval '1 minute';
    get diagnostics v_count = row_count;

    delete from artery.runner as r
    where
        r.stopped_at < clock_timestamp() - (select k.stopped_runners from artery.retention as k)
        and not exists (
            select from artery.integration_task as t
            where t.status = 'processing' and t.runner_id = r.id
        );
    return v_count;
end
$function$;
comment on function artery.forget_runners(timestamptz) is
'Sweep step: marks runners stopped that fell silent, and removes those long stopped; returns how '
'many fell silent';
grant execute on function artery.forget_runners(timestamptz) to artery_admin;
