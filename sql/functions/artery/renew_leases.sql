create or replace function artery.renew_leases(
    p_runner bigint, p_ids bigint[], p_attempts integer[], p_lease interval default '30 seconds'
)
returns bigint[]
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
with mine as materialized (
    select t.id
    from unnest(p_ids, p_attempts) as u (id, attempt)
    inner join artery.integration_task as t on t.id = u.id
    where
        t.id = any(p_ids)
        and t.attempt = u.attempt
        and t.runner_id = p_runner
        and t.locked_until is not null
    order by t.id
    for update of t
),

renewed as (
    update artery.integration_task as t
    set locked_until = clock_timestamp() + p_lease
    where t.id = any(array(select m.id from mine as m))
    returning t.id
)

select coalesce(array_agg(r.id order by r.id), '{}')
from renewed as r
$function$;
comment on function artery.renew_leases(bigint, bigint[], integer[], interval) is
'Prolongs the leases of (task, attempt) pairs; returns the tasks that still are the runner''s. The '
'others must not be sent';
grant execute on function artery.renew_leases(
    bigint, bigint[], integer[], interval
) to artery_runner;
