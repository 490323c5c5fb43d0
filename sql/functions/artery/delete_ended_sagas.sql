create or replace function artery.delete_ended_sagas(p_until timestamptz)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_count bigint := 0::bigint;
    v_batch bigint;
begin
    loop
        delete from artery.saga as s
        where s.id = any(array(
            select o.id
            from artery.saga as o
            where o.ended_at < clock_timestamp() - (select k.ended_tasks from artery.retention as k)
            order by o.ended_at
            limit 1000
            for update skip locked
        ));
        get diagnostics v_batch = row_count;
        v_count := v_count + v_batch;
        exit when v_batch < 1000 or clock_timestamp() >= p_until;
    end loop;
    return v_count;
end
$function$;
insert into artery.sweep_step (name, function, every, position)
values ('delete_ended_sagas', 'artery.delete_ended_sagas', '10 minutes', 93)
on conflict (name) do nothing;

comment on function artery.delete_ended_sagas(timestamptz) is
'Sweep step: deletes sagas that ended before artery.retention.ended_tasks, with their steps; returns how many';
grant execute on function artery.delete_ended_sagas(timestamptz) to artery_admin;
