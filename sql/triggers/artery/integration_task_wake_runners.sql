/* A notification costs every committing session the cluster-wide queue lock, so one is sent only
   while some runner sleeps. A runner marks itself asleep before its last look at the queue and
   polls with growing pauses after it, so a commit that falls between is found within milliseconds
   all the same. */
create or replace function artery.integration_task_wake_runners()
returns trigger
language plpgsql
volatile
set search_path = ''
as $function$
begin
    if exists (select from artery.runner as r where r.asleep and r.stopped_at is null) then
        notify artery_wake;
    end if;
    return null;
end
$function$;
comment on function artery.integration_task_wake_runners() is
'Wakes sleeping runners at commit, once a statement';

create or replace trigger integration_task_wake_runners
after insert on artery.integration_task
for each statement
execute function artery.integration_task_wake_runners();
comment on trigger integration_task_wake_runners on artery.integration_task is
'Notifies artery_wake at commit where some runner sleeps';
