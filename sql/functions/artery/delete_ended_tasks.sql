-- Walks from the oldest task on, in batches: ended tasks lie there; the few dead and held ones
-- among them are passed over
create or replace function artery.delete_ended_tasks(p_until timestamptz)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $function$
declare
    v_before constant timestamptz := clock_timestamp() - (select k.ended_tasks from artery.retention as k);
    v_after bigint := 0::bigint;
    v_batch record;
    v_count bigint := 0::bigint;
begin
    loop
        with batch as materialized (
            select
                t.id,
                t.created_at,
                t.status in ('sent', 'cancelled', 'compensated') and t.ended_at < v_before
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
            max(b.id) as last_id,
            bool_or(b.created_at >= v_before) as young,
            (select count(*) from gone) as deleted
        into v_batch
        from batch as b;
        v_count := v_count + v_batch.deleted;
        v_after := v_batch.last_id;
        exit when v_batch.last_id is null or v_batch.young or clock_timestamp() >= p_until;
    end loop;
    return v_count;
end
$function$;
comment on function artery.delete_ended_tasks(timestamptz) is
'Sweep step: deletes sent, cancelled and compensated tasks past artery.retention.ended_tasks; '
'returns how many';
grant execute on function artery.delete_ended_tasks(timestamptz) to artery_admin;
