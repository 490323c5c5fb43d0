create or replace function artery._unblock_next(p_ended bigint[])
returns bigint
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $function$
declare
    v_count bigint;
begin
    with next_task as (
        select distinct n.id
        from artery.integration_task as d
        cross join lateral (
            select
                q.id,
                q.queued
            from artery.integration_task as q
            where
                q.endpoint_id = d.endpoint_id
                and q.ordering_key = d.ordering_key
                and q.status not in ('sent', 'cancelled', 'compensated')
            order by q.id
            limit 1
        ) as n
        where d.id = any(p_ended) and n.queued
    )

    update artery.integration_task as t
    set
        queued = false,
        due_at = greatest(t.due_at, clock_timestamp())
    where t.id = any(array(select n.id from next_task as n)) and t.queued;
    get diagnostics v_count = row_count;
    perform artery._wake() where v_count > 0;
    return v_count;
end
$function$;
comment on function artery._unblock_next(bigint[]) is
'Lets the next task of each ordering key go, after the given tasks have ended; returns how many';

/* enqueue_task and the end of the task before it do not see each other when both are under way:
   the later one waits with nobody to let it go. This finds it. A loose walk: one step a key. */
create or replace function artery.unblock_keys(p_until timestamptz)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $function$
declare
    v_count bigint;
begin
    with recursive head as (
        (
            select
                t.id,
                t.endpoint_id,
                t.ordering_key,
                t.queued
            from artery.integration_task as t
            where t.ordering_key is not null and t.status not in ('sent', 'cancelled', 'compensated')
            order by t.endpoint_id, t.ordering_key, t.id
            limit 1
        )
        union all
        select
            n.id,
            n.endpoint_id,
            n.ordering_key,
            n.queued
        from head as h
        cross join lateral (
            select
                t.id,
                t.endpoint_id,
                t.ordering_key,
                t.queued
            from artery.integration_task as t
            where
                t.ordering_key is not null
                and t.status not in ('sent', 'cancelled', 'compensated')
                and (t.endpoint_id, t.ordering_key) > (h.endpoint_id, h.ordering_key)
            order by t.endpoint_id, t.ordering_key, t.id
            limit 1
        ) as n
        where clock_timestamp() < p_until
    )

    update artery.integration_task as t
    set
        queued = false,
        due_at = greatest(t.due_at, clock_timestamp())
    where t.id = any(array(select h.id from head as h where h.queued)) and t.queued;
    get diagnostics v_count = row_count;
    perform artery._wake() where v_count > 0;
    return v_count;
end
$function$;
comment on function artery.unblock_keys(timestamptz) is
'Sweep step: lets the first task of each ordering key go, where nobody else did; returns how many';
grant execute on function artery.unblock_keys(timestamptz) to artery_admin;
