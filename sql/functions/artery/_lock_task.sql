create or replace function artery._lock_task(
    p_task_id bigint, out status text, out ordering_key text
)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    select
        t.status,
        t.ordering_key
    into status, ordering_key
    from artery.integration_task as t
    where t.id = p_task_id
    for update;
    if not found then
        raise exception using
            errcode = 'IN005',
            message = format('there is no task %s', p_task_id),
            detail = 'No row of artery.integration_task has this id.',
            hint = 'Ended tasks are deleted after artery.retention.ended_tasks.';
    end if;
end
$function$;
comment on function artery._lock_task(bigint) is
'Locks a task for what a person does to it and gives its state. Errors: IN005 no such task';
