create or replace function artery_mes._reason(
    p_code text, p_message text, p_hint text, p_path text
)
returns jsonb
language sql
immutable
parallel safe
set search_path = ''
as $function$
select jsonb_strip_nulls(jsonb_build_object(
    'code', p_code, 'path', p_path, 'message', p_message, 'hint', p_hint
))
$function$;
comment on function artery_mes._reason(text, text, text, text) is
'One reason why a report is not posted: SQLSTATE, what, what to do, where in the message';
revoke execute on function artery_mes._reason(text, text, text, text) from public;
