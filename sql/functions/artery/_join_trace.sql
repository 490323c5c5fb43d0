/* The trace that a task continues: that of a traceparent among its own headers, else of the setting
   artery.traceparent. W3C Trace Context, level 1: a malformed one is ignored, and the task begins
   a trace of its own; versions after 00 may be longer. The runner sends version 00, the same trace
   and flags, and a span of its own for each attempt. */
create or replace function artery._join_trace(
    p_headers jsonb, p_parent text, out headers jsonb, out trace_id uuid
)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_parent text := coalesce(p_headers ->> 'traceparent', p_parent);
begin
    headers := p_headers - 'traceparent';
    if
        v_parent ~ '^(00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}|(?!00|ff)[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?)$'
        and substr(v_parent, 4, 32) <> repeat('0', 32)
        and substr(v_parent, 37, 16) <> repeat('0', 16)
    then
        headers := coalesce(headers, '{}') || jsonb_build_object('traceparent', '00' || substr(v_parent, 3, 53));
        trace_id := substr(v_parent, 4, 32)::uuid;
    else
        -- it may be anything, a secret even: so its value is not shown
        raise warning using
            message = 'a malformed traceparent is ignored: the task begins a trace of its own',
            detail = format('%s characters, in %s.', length(v_parent),
                case when p_headers ? 'traceparent' then 'p_headers' else 'the setting artery.traceparent' end),
            hint = 'Write it as W3C Trace Context does: 00-<32 hex digits>-<16 hex digits>-<2 hex digits>, in lower case, neither id all zeros.';
        headers := nullif(headers, '{}');
    end if;
end
$function$;
comment on function artery._join_trace(jsonb, text) is
'A task''s headers with the traceparent that it continues, and its trace id; null if it continues none';
