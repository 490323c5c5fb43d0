create or replace function artery.supersede_tasks(p_task_ids bigint[], p_reason text)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    perform artery.cancel_task(dead.id, p_reason)
    from (
        select t.id
        from artery.integration_task as t
        where t.id = any(p_task_ids) and t.status = 'dead'
        order by t.id
        for update of t
    ) as dead;
end
$function$;
comment on function artery.supersede_tasks(bigint[], text) is
'Cancels those of the tasks that are dead, for a newer one that tells all they would have: a dead one holds back its '
'ordering key';
revoke execute on function artery.supersede_tasks(bigint[], text) from public;
