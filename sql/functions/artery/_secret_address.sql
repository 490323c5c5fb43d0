/* Kept in step with the runner, which computes the same from what it is about to call, so that
   a secret whose endpoint was pointed elsewhere does not open. Inlined: hence no search_path. */
create or replace function artery._secret_address(p_endpoint artery.endpoint, p_name text)
returns text
language sql
immutable
parallel safe
as $function$
select case
    when 'vault:' || p_name = p_endpoint.proxy_ref then p_endpoint.proxy_url
    when 'vault:' || p_name in (p_endpoint.secret_ref, p_endpoint.subject_ref)
        then concat_ws(' ', p_endpoint.base_url, p_endpoint.auth ->> 'token_url')
    else p_endpoint.base_url
end
$function$;
comment on function artery._secret_address(artery.endpoint, text) is
'Where an endpoint sends the secret of that name: what it is bound to';
