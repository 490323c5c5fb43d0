create or replace function artery_procurement.expire_sso(p_until timestamptz)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_count bigint := 0::bigint;
    v_due record;
begin
    -- one after the other: a task that is being sent refuses to be cancelled, and ends by itself
    for v_due in
        select
            l.id,
            l.task_id,
            t.error ->> 'message' as problem,
            t.status in ('pending', 'failed', 'held') as cancels
        from artery_procurement.sso_launch as l
        left join artery.integration_task as t on t.id = l.task_id
        where l.status in ('waiting', 'ready') and l.expires_at <= clock_timestamp()
        order by l.expires_at
        limit 1000
        for update of l skip locked
    loop
        exit when clock_timestamp() >= p_until;
        update artery_procurement.sso_launch as l
        set
            status = 'expired',
            url = null,
            ended_at = clock_timestamp(),
            reasons = case when v_due.problem is not null then
                jsonb_build_array(artery._reason('IN658', v_due.problem))
            end
        where l.id = v_due.id;
        if v_due.cancels then
            begin
                perform artery.cancel_task(v_due.task_id, 'the sign-on has expired');
            exception when sqlstate 'IN005' or sqlstate 'IN006' then
                null;
            end;
        end if;
        v_count := v_count + 1;
    end loop;

    delete from artery_procurement.sso_launch as l
    using artery_procurement.sso_platform as p
    where
        l.platform = p.platform
        and l.status not in ('waiting', 'ready')
        and l.requested_at < clock_timestamp() - p.keep;
    return v_count;
end
$function$;
insert into artery.sweep_step (name, function, every, position)
values ('expire_sso', 'artery_procurement.expire_sso', '2 seconds', 45)
on conflict (name) do nothing;

comment on function artery_procurement.expire_sso(timestamptz) is
'Sweep step: ends launches that nobody used in time, and their calls; deletes records past their '
'platform''s keep; returns how many expired';
grant execute on function artery_procurement.expire_sso(timestamptz) to artery_admin;
