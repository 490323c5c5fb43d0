-- Inlined into its callers: hence no search_path
create or replace function artery._reply_handler(
    p_status text, p_compensation jsonb, p_handler text
)
returns text
language sql
immutable
parallel safe
as $function$
select case
    when p_compensation ?& array['saga', 'position', 'part']
        then case
            when p_status in ('sent', 'dead', 'held', 'cancelled') then 'artery._end_saga_task'
        end
    when p_status in ('sent', 'dead') then p_handler
end
$function$;
comment on function artery._reply_handler(text, jsonb, text) is
'The reply handler of a task that ended with this status: its route''s, or for a step of a saga the saga''s; null = none';
