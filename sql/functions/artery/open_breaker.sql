create or replace function artery._endpoint_id(p_endpoint text)
returns integer
language plpgsql
stable
set search_path = ''
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
language sql
volatile
security definer
set search_path = ''
as $function$
select artery._move_breaker(artery._endpoint_id(p_endpoint), 'open', p_reason, null, true)
$function$;
comment on function artery.open_breaker(text, text) is
'Stops all calls to an endpoint until artery.close_breaker; its tasks wait. True if it was not open';
grant execute on function artery.open_breaker(text, text) to artery_operator;
