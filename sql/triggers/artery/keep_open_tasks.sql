-- integration_task has no foreign keys (see its migration); this keeps what they would have kept
create or replace function artery.keep_open_tasks()
returns trigger
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_old jsonb := to_jsonb(old);
    v_task record;
begin
    if tg_op = 'UPDATE' and v_old ->> 'topic' = to_jsonb(new) ->> 'topic' then
        return new;
    end if;
    -- a route knows its topic, an endpoint its id
    select
        min(t.id) as id,
        count(*) as open
    into v_task
    from artery.integration_task as t
    where
        (t.status not in ('sent', 'cancelled', 'compensated') or t.handler_status = 'failed')
        and case tg_table_name
            when 'route' then t.topic = v_old ->> 'topic'
            else t.endpoint_id = (v_old ->> 'id')::integer
        end;
    if v_task.open > 0 then
        raise exception using
            errcode = 'IN011',
            message = format('%s %L still has %s tasks that have not ended', tg_table_name,
                coalesce(v_old ->> 'topic', v_old ->> 'name'), v_task.open),
            detail = format('The first is task %s.', v_task.id),
            hint = 'Wait for them and their reply handlers, or end them with artery.cancel_task; to pause a system, disable its endpoint.';
    end if;
    if tg_op = 'UPDATE' then
        return new;
    end if;
    return old;
end
$function$;
comment on function artery.keep_open_tasks() is
'Refuses to take a route or endpoint away under its open tasks (IN011)';

create or replace trigger route_keep_open_tasks
before delete or update of topic on artery.route
for each row
execute function artery.keep_open_tasks();

create or replace trigger endpoint_keep_open_tasks
before delete on artery.endpoint
for each row
execute function artery.keep_open_tasks();
comment on trigger route_keep_open_tasks on artery.route is
'No route goes, or takes another topic, while its tasks are open';
comment on trigger endpoint_keep_open_tasks on artery.endpoint is
'No endpoint goes while its tasks are open';
