/* Where and until when the receiver is asked what became of a call. That it never saw the request
   is believed only once nothing that was sent can still be on its way: a call takes total_timeout
   at most. A Location that leads away from the base URL is not followed: it would be called with
   the endpoint's secrets. */
create or replace function artery._begin_inquiry(
    p_why text, p_topic text, p_task_id bigint, p_request_id uuid, p_document_id text,
    p_answer text, p_location text, p_now timestamptz
)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_route record;
    v_answer jsonb := artery._json_or_text(p_answer);
    v_path text;
begin
    select
        r.status_method,
        r.status_deadline,
        case p_why
            when 'accepted' then coalesce(r.accepted_path_template, r.status_path_template)
            else r.status_path_template
        end as template,
        e.total_timeout,
        rtrim(e.base_url, '/') as base_url
    into v_route
    from artery.route as r
    inner join artery.endpoint as e on e.id = r.endpoint_id
    where r.topic = p_topic;

    if v_route.template = '{location}' then
        v_path := case
            when p_location ~ '^https?:' then p_location
            when p_location ~ '^/[^/]' then substring(v_route.base_url from '^https?://[^/]+') || p_location
        end;
        v_path := case
            when starts_with(v_path, v_route.base_url || '/')
                and v_path ~ '^[!-~]+$' and v_path !~ '#|\.\.|%2[eE]|\\'
                then substr(v_path, length(v_route.base_url) + 1)
        end;
    else
        v_path := artery._fill_path(v_route.template, coalesce(
            (
                select jsonb_object_agg(lower(a.key), a.value)
                from jsonb_each(
                    case jsonb_typeof(v_answer) when 'object' then v_answer else '{}' end
                ) as a
                where jsonb_typeof(a.value) in ('string', 'number')
            ), '{}'
        ) || jsonb_build_object(
            'request_id', p_request_id, 'task_id', p_task_id, 'document_id', p_document_id
        ));
    end if;
    return case when v_path is not null then jsonb_build_object(
        'why', p_why,
        'method', v_route.status_method,
        'path', v_path,
        'until', p_now + v_route.status_deadline,
        'absent_from', p_now + v_route.total_timeout
    ) end;
exception when sqlstate 'IN010' then
    return null;
end
$function$;
comment on function artery._begin_inquiry(
    text, text, bigint, uuid, text, text, text, timestamptz
) is
'What integration_task.inquiry becomes when a receiver is to be asked; null where its route says no '
'place, or one that cannot be filled';

-- Not those of its CloudEvent: a question is none
create or replace function artery._question_headers(p_headers jsonb, p_request_id uuid)
returns jsonb
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $function$
select jsonb_build_object(
    'traceparent', format('00-%s-0000000000000000-01', replace(p_request_id::text, '-', ''))
) || coalesce(jsonb_object_agg(h.key, h.value) filter (where h.key not ilike 'ce-%'), '{}')
from jsonb_each(coalesce(p_headers, '{}')) as h
$function$;
comment on function artery._question_headers(jsonb, uuid) is
'Headers of the call that asks what became of a task: the task''s own, in the same trace';
