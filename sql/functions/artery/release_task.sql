create or replace function artery._release_tasks(p_ids bigint[], p_reason text)
returns bigint
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_count bigint;
begin
    update artery.integration_task as t
    set
        -- when it was due then; a claim looks no further back than it has come
        due_at = greatest(clock_timestamp(), (
            select (h.value ->> 'due_at')::timestamptz
            from jsonb_array_elements(t.history) with ordinality as h (value, position)
            where h.value ->> 'action' = 'hold'
            order by h.position desc
            limit 1
        )),
        history = coalesce(t.history, '[]') || jsonb_build_object(
            'at', clock_timestamp(), 'by', session_user, 'action', 'release', 'reason', p_reason
        )
    where t.id = any(p_ids);
    get diagnostics v_count = row_count;
    perform artery._wake() where v_count > 0;
    return v_count;
end
$function$;
comment on function artery._release_tasks(bigint[], text) is
'Lets tasks go that are on hold and locked: due when they were, or now; returns how many';

create or replace function artery.release_task(p_task_id bigint, p_reason text default null)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_status constant text := (select k.status from artery._lock_task(p_task_id) as k);
begin
    perform from artery.integration_task as t
    where t.id = p_task_id and t.status in ('pending', 'failed') and t.due_at = 'infinity';
    if not found then
        raise exception using
            errcode = 'IN006',
            message = format('task %s is not on hold', p_task_id),
            detail = format('Task %s, status %s.', p_task_id, v_status),
            hint = case v_status
                when 'held' then 'Its outcome is unknown: artery.resolve_task says what became of it, artery.retry_task sends it again.'
                when 'dead' then 'It was given up: artery.retry_task sends it again.'
                else 'Nobody put it on hold, or somebody released it: its history tells.'
            end;
    end if;
    perform artery._release_tasks(array[p_task_id], p_reason);
end
$function$;
comment on function artery.release_task(bigint, text) is
'Lets a task go that artery.hold_task put on hold: due when it was, or now. Errors: IN005 no such task, IN006 not on hold';
grant execute on function artery.release_task(bigint, text) to artery_operator;
