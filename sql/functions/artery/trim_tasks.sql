/* Endpoints that keep their ended tasks for less time than the others. Tasks lie in the order of
   their making, those of all endpoints together: each such endpoint goes through what has come of
   age since the last time, and once a day through all, for what ended later than its neighbours. A
   task that is open, dead or held stays. */
create or replace function artery.trim_tasks(p_until timestamptz)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $function$
declare
    v_now constant timestamptz := clock_timestamp();
    v_endpoint record;
    v_batch record;
    v_after bigint;
    v_began timestamptz;
    v_count bigint := 0::bigint;
begin
    for v_endpoint in
        select
            e.id,
            v_now - e.task_keep as before,
            m.began_at,
            m.task_id
        from artery.endpoint as e
        left join artery.task_trim as m on m.endpoint_id = e.id
        where e.task_keep is not null
        order by m.began_at nulls first, e.id
    loop
        v_began := v_endpoint.began_at;
        v_after := v_endpoint.task_id;
        if v_began is null or v_began < v_now - interval '1 day' then
            v_began := v_now;
            v_after := 0::bigint;
        end if;
        loop
            exit when clock_timestamp() >= p_until;
            with batch as materialized (
                select
                    t.id,
                    t.created_at < v_endpoint.before as of_age,
                    t.endpoint_id = v_endpoint.id
                    and t.status in ('sent', 'cancelled', 'compensated') and t.ended_at < v_endpoint.before
                    and coalesce(t.handler_status, 'done') = 'done' as over
                from artery.integration_task as t
                where t.id > v_after
                order by t.id
                limit 5000
            ),

            gone as (
                delete from artery.integration_task as t
                where
                    t.id = any(array(select b.id from batch as b where b.over))
                    -- not if its compensation began meanwhile
                    and t.status in ('sent', 'cancelled', 'compensated')
                returning t.id
            )

            select
                -- up to the first that is too young
                max(b.id) filter (where b.id < coalesce(y.id, b.id + 1)) as last_id,
                bool_or(not b.of_age) as young,
                (select count(*) from gone) as deleted
            into v_batch
            from batch as b
            cross join (select min(c.id) as id from batch as c where not c.of_age) as y;
            v_count := v_count + v_batch.deleted;
            v_after := coalesce(v_batch.last_id, v_after);
            exit when v_batch.last_id is null or v_batch.young;
        end loop;
        insert into artery.task_trim (endpoint_id, began_at, task_id)
        values (v_endpoint.id, v_began, v_after)
        on conflict (endpoint_id) do update
        set
            began_at = excluded.began_at,
            task_id = excluded.task_id;
    end loop;
    return v_count;
end
$function$;
insert into artery.sweep_step (name, function, every, position)
values ('trim_tasks', 'artery.trim_tasks', '10 minutes', 92)
on conflict (name) do nothing;

comment on function artery.trim_tasks(timestamptz) is
'Sweep step: deletes sent, cancelled and compensated tasks past their endpoint''s task_keep; returns '
'how many';
grant execute on function artery.trim_tasks(timestamptz) to artery_admin;
