create or replace function artery._endpoint_id(p_endpoint text)
returns integer
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_id integer;
begin
    select e.id into v_id from artery.endpoint as e where e.name = p_endpoint;
    if not found then
        raise exception using
            errcode = 'undefined_object',
            message = format('there is no endpoint %L', p_endpoint),
            detail = 'Names of endpoints are those of artery.endpoint.name.',
            hint = 'select name, base_url from artery.endpoint;';
    end if;
    return v_id;
end
$function$;
comment on function artery._endpoint_id(text) is 'An endpoint''s id by its name, or 42704';

create or replace function artery.open_breaker(p_endpoint text, p_reason text default 'by hand')
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_id constant integer := artery._endpoint_id(p_endpoint);
begin
    perform pg_notify('artery_hold', v_id::text);
    return artery._move_breaker(v_id, 'open', p_reason, null, true);
end
$function$;
comment on function artery.open_breaker(text, text) is
'Stops all calls to an endpoint until artery.close_breaker; its tasks wait. True if it was not open';
grant execute on function artery.open_breaker(text, text) to artery_operator;
