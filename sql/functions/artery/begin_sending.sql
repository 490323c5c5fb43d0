create or replace function artery.begin_sending(
    p_runner bigint, p_ids bigint[], p_attempts integer[]
)
returns bigint[]
language sql
volatile
security definer
set search_path = ''
as $function$
with mine as materialized (
    select t.id
    from unnest(p_ids, p_attempts) as u (id, attempt)
    inner join artery.integration_task as t on t.id = u.id
    where
        t.attempt = u.attempt
        and t.runner_id = p_runner
        and t.locked_until > clock_timestamp()
    order by t.id
    for update of t
),

marked as (
    update artery.integration_task as t
    set sending = true
    from mine as m
    where t.id = m.id
    returning t.id
)

select coalesce(array_agg(m.id order by m.id), '{}')
from marked as m
$function$;
comment on function artery.begin_sending(bigint, bigint[], integer[]) is
'Before the first byte to an endpoint that is not idempotent: from here on a crash leaves the outcome '
'unknown. Returns the tasks that may be sent: those still leased to the runner';
grant execute on function artery.begin_sending(bigint, bigint[], integer[]) to artery_runner;
