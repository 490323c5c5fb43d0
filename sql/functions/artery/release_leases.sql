create or replace function artery.release_leases(
    p_runner bigint, p_ids bigint[], p_attempts integer[]
)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_count integer;
begin
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
    )

    update artery.integration_task as t
    set
        status = 'pending',
        due_at = clock_timestamp()
    where t.id = any(array(select m.id from mine as m));
    get diagnostics v_count = row_count;
    perform artery._wake() where v_count > 0;
    return v_count;
end
$function$;
comment on function artery.release_leases(bigint, bigint[], integer[]) is
'Gives back (task, attempt) pairs that were claimed and never sent; costs them no attempt. Returns '
'how many were the runner''s';
grant execute on function artery.release_leases(bigint, bigint[], integer[]) to artery_runner;
