-- A notification costs every committing session the cluster-wide queue lock: only for a sleeper
create or replace function artery._wake()
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    if exists (select from artery.runner as r where r.asleep and r.stopped_at is null) then
        notify artery_wake;
    end if;
end
$function$;
comment on function artery._wake() is
'Wakes a sleeping runner at commit, after tasks were made due otherwise than by enqueue_task';
