-- Reply handler. A launch that expired or ended meanwhile stays as it is: its URL is dropped
create or replace function artery_procurement.handle_sso_reply(p_reply jsonb)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_launch record;
    v_url text;
    v_reason jsonb;
begin
    select
        l.id,
        l.expires_at,
        p.allowed_urls,
        p.url_path
    into v_launch
    from artery_procurement.sso_launch as l
    inner join artery_procurement.sso_platform as p on p.platform = l.platform
    where l.task_id = (p_reply ->> 'task_id')::bigint and l.status = 'waiting'
    for update of l;
    if not found then
        return;
    end if;

    if p_reply ->> 'outcome' = 'sent' then
        v_url := (
            select u.value #>> '{}'
            from jsonb_path_query_first(p_reply -> 'body', v_launch.url_path, '{}', true) as u (value)
            where jsonb_typeof(u.value) = 'string'
        );
        -- what is wrong with it is said, it itself is not shown: it may sign somebody in
        v_reason := artery._reason(
            'IN653', 'the URL in the platform''s answer ' || artery_procurement._url_problem(v_url, v_launch.allowed_urls),
            'Compare allowed_urls and url_path of artery_procurement.sso_platform with what the platform documents.'
        );
        if artery_procurement._url_problem(v_url, v_launch.allowed_urls) is null then
            v_reason := null;
        end if;
    else
        v_reason := artery._reason(
            'IN658',
            format('the platform did not sign the user on: %s', coalesce(p_reply -> 'error' ->> 'message', 'no reason was given')),
            format('artery task show %s', p_reply ->> 'task_id')
        );
    end if;
    update artery_procurement.sso_launch as l
    set
        status = case when v_reason is null then 'ready' else 'failed' end,
        url = case when v_reason is null then v_url end,
        reasons = case when v_reason is not null then jsonb_build_array(v_reason) end,
        ended_at = case when v_reason is not null then clock_timestamp() end
    where l.id = v_launch.id;
end
$function$;
comment on function artery_procurement.handle_sso_reply(jsonb) is
'Reply handler: takes the one-time URL that the platform gave, or why it gave none, into the launch';
grant execute on function artery_procurement.handle_sso_reply(jsonb) to artery_admin;
