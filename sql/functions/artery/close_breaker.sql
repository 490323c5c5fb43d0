create or replace function artery.close_breaker(p_endpoint text, p_reason text default 'by hand')
returns boolean
language sql
volatile
security definer
set search_path = ''
as $function$
select artery._move_breaker(artery._endpoint_id(p_endpoint), 'closed', p_reason)
$function$;
comment on function artery.close_breaker(text, text) is
'Lets calls to an endpoint go again, with a clean count. True if its breaker was not closed';
grant execute on function artery.close_breaker(text, text) to artery_operator;
