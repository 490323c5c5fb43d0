create or replace function artery.close_breaker(p_endpoint text, p_reason text default 'by hand')
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    perform artery._wake();
    return artery._move_breaker(artery._endpoint_id(p_endpoint), 'closed', p_reason);
end
$function$;
comment on function artery.close_breaker(text, text) is
'Lets calls to an endpoint go again, with a clean count. True if its breaker was not closed';
grant execute on function artery.close_breaker(text, text) to artery_operator;
