create or replace function artery_procurement.sso_platform_validate()
returns trigger
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_problems text;
begin
    select string_agg(p.problem, '; ')
    into v_problems
    from (
        select format('allowed_urls: %s %s', a.url, coalesce(
            artery_procurement._url_problem(a.url, null), 'has a query or fragment'
        ))
        from unnest(new.allowed_urls) as a (url)
        where artery_procurement._url_problem(a.url, null) is not null or a.url ~ '[?#]'
        union all
        select 'allowed_urls is empty' where cardinality(new.allowed_urls) = 0
        union all
        select 'target_url ' || artery_procurement._url_problem(new.target_url, new.allowed_urls)
        where new.target_url is not null
        union all
        select 'initiate_login_uri ' || coalesce(
            artery_procurement._url_problem(new.initiate_login_uri, new.allowed_urls),
            case when new.initiate_login_uri ~ '#' then 'has a fragment' end
        )
        where new.method = 'oidc'
        union all
        select 'issuer ' || coalesce(
            artery_procurement._url_problem(new.issuer, null), case when new.issuer ~ '[?#]' then 'has a query or fragment' end
        )
        where new.method = 'oidc'
        union all
        select 'topic is of no use with oidc' where new.method = 'oidc' and new.topic is not null
        union all
        select 'initiate_login_uri and issuer are of no use with token'
        where new.method = 'token' and coalesce(new.initiate_login_uri, new.issuer) is not null
        union all
        select 'topic is no route' where new.method = 'token'
            and not exists (select from artery.route as r where r.topic = new.topic)
        union all
        select c.problem
        from artery.route as r
        inner join artery.endpoint as e on e.id = r.endpoint_id
        cross join lateral (values
            (
                r.reply_handler is distinct from 'artery_procurement.handle_sso_reply(jsonb)',
                'the route''s reply_handler must be artery_procurement.handle_sso_reply(jsonb)'
            ),
            (
                coalesce(e.auth ->> 'subject_from', '') <> 'task',
                'the endpoint''s auth must have "subject_from": "task" (jwt_bearer or token_exchange)'
            ),
            (e.logged_body_bytes > 0, 'the endpoint''s logged_body_bytes must be 0: its answers hold one-time URLs')
        ) as c (wrong, problem)
        where new.method = 'token' and r.topic = new.topic and c.wrong
    ) as p (problem);
    if v_problems is not null then
        raise exception using
            errcode = 'IN654',
            message = format('platform %L: its settings do not fit together', new.platform),
            detail = v_problems || '.',
            hint = 'docs/sso.md has an example of each method.';
    end if;
    new.updated_at := clock_timestamp();
    return new;
end
$function$;
comment on function artery_procurement.sso_platform_validate() is
'Refuses (IN654) a platform to which nobody could be signed in safely, with all that is wrong';

create or replace trigger sso_platform_validate
before insert or update on artery_procurement.sso_platform
for each row
execute function artery_procurement.sso_platform_validate();
comment on trigger sso_platform_validate on artery_procurement.sso_platform is
'Refuses settings that do not fit together';
