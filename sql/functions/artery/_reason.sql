create or replace function artery._reason(
    p_code text, p_message text, p_hint text default null, p_path text default null
)
returns jsonb
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $function$
select jsonb_strip_nulls(jsonb_build_object(
    'code', p_code, 'path', p_path, 'message', p_message, 'hint', p_hint
))
$function$;
comment on function artery._reason(text, text, text, text) is
'One reason of a rejection: SQLSTATE, where in the message, what, what to do';
