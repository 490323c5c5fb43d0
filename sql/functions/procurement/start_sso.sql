/* The record of a launch, and for method token its task: in the caller's transaction, so the call
   to the platform goes out when that commits. The ticket is 244 random bits; only its hash is
   kept. */
create or replace function artery_procurement.start_sso(
    p_platform text, p_user text, p_target text default null
)
returns jsonb
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_platform artery_procurement.sso_platform;
    v_user artery_procurement.sso_user;
    v_target text;
    v_url_problem text;
    v_problems text;
    v_ticket constant text := replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '');
    v_launch bigint;
    v_expires timestamptz;
    v_url text;
begin
    select p.* into v_platform from artery_procurement.sso_platform as p where p.platform = p_platform;
    if not found then
        raise exception using
            errcode = 'IN650',
            message = format('there is no platform %L to sign in on', p_platform),
            detail = coalesce((
                select 'Known: ' || string_agg(p.platform, ', ' order by p.platform) || '.'
                from artery_procurement.sso_platform as p
                where p.enabled
            ), 'None is set up.'),
            hint = 'Set it up in artery_procurement.sso_platform (docs/sso.md).';
    end if;
    select u.* into v_user
    from artery_procurement.sso_user as u
    where u.platform = p_platform and u.user_name = p_user;
    v_target := coalesce(p_target, v_platform.target_url);
    if v_target is not null then
        v_url_problem := artery_procurement._url_problem(v_target, v_platform.allowed_urls);
    end if;

    v_problems := concat_ws('; ',
        case when not v_platform.enabled then 'the platform is disabled' end,
        case
            when v_user.user_name is null then format('user %L is not entered for it', p_user)
            when not v_user.enabled then format('user %L is disabled', p_user)
        end,
        'the target ' || v_url_problem
    );
    if v_problems <> '' then
        raise exception using
            errcode = case
                when not v_platform.enabled then 'IN651'
                when v_user.enabled is not true then 'IN652'
                else 'IN653'
            end,
            message = format('user %L cannot be signed in on %L', p_user, p_platform),
            detail = v_problems || '.',
            hint = case
                when not v_platform.enabled then 'Set enabled in artery_procurement.sso_platform.'
                when v_user.enabled is not true then 'Enter the user in artery_procurement.sso_user, or set enabled there.'
                else 'Targets lie below allowed_urls of artery_procurement.sso_platform: '
                    || array_to_string(v_platform.allowed_urls, ', ')
            end;
    end if;

    v_expires := clock_timestamp() + v_platform.valid_for;
    insert into artery_procurement.sso_launch (
        platform, user_name, subject, target_url, status, expires_at, ended_at, ticket_hash
    )
    select
        p_platform, p_user, v_user.subject, v_target,
        case v_platform.method when 'oidc' then 'launched' else 'waiting' end, v_expires,
        case v_platform.method when 'oidc' then clock_timestamp() end,
        case v_platform.method when 'token' then sha256(convert_to(v_ticket, 'UTF8')) end
    returning id into v_launch;

    if v_platform.method = 'token' then
        update artery_procurement.sso_launch as l
        set task_id = artery.enqueue_task(
            v_platform.topic,
            jsonb_strip_nulls(jsonb_build_object('user', v_user.subject, 'target', v_target)),
            p_document_type => 'sso_launch',
            p_document_id => v_launch::text,
            -- somebody looks at a button
            p_priority => 0::smallint,
            p_headers => jsonb_build_object('artery-subject', v_user.subject)
        )
        where l.id = v_launch;
    else
        v_url := v_platform.initiate_login_uri
            || case when position('?' in v_platform.initiate_login_uri) > 0 then '&' else '?' end
            || 'iss=' || artery._percent_encode(v_platform.issuer)
            || '&login_hint=' || artery._percent_encode(v_user.subject)
            || coalesce('&target_link_uri=' || artery._percent_encode(v_target), '');
    end if;
    return jsonb_build_object(
        'launch', v_launch,
        'status', case v_platform.method when 'oidc' then 'ready' else 'waiting' end,
        'url', v_url,
        'ticket', case v_platform.method when 'token' then v_ticket end,
        'expires_at', v_expires
    );
end
$function$;
comment on function artery_procurement.start_sso(text, text, text) is
'Begins a sign-on: see artery_api_v1.sso_launch';
revoke execute on function artery_procurement.start_sso(text, text, text) from public;
