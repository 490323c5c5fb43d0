create or replace function artery_tax.setup_gateway(
    p_base_url text,
    p_profile text default 'digital',
    p_endpoint text default 'tax',
    p_auth_kind text default 'none',
    p_secret_ref text default null
)
returns integer
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_endpoint_id integer;
    v_prefix text;
begin
    select g.topic_prefix
    into v_prefix
    from artery_tax.gateway_profile as g
    where g.name = p_profile;
    if not found then
        raise exception using
            errcode = 'IN014',
            message = format('there is no gateway profile %L', p_profile),
            detail = 'Profiles are rows of artery_tax.gateway_profile.',
            hint = (select 'Known: ' || string_agg(g.name, ', ' order by g.name) || '.' from artery_tax.gateway_profile as g);
    end if;

    -- not idempotent: a call whose outcome is unknown is asked after, never sent again
    insert into artery.endpoint as e (
        name, base_url, auth_kind, secret_ref, idempotent, max_request_bytes, max_response_bytes
    )
    values (p_endpoint, p_base_url, p_auth_kind, p_secret_ref, false, 4194304, 4194304)
    on conflict (name) do update
    set
        base_url = excluded.base_url,
        auth_kind = excluded.auth_kind,
        secret_ref = excluded.secret_ref
    where
        (e.base_url, e.auth_kind, e.secret_ref)
        is distinct from (excluded.base_url, excluded.auth_kind, excluded.secret_ref);

    select e.id
    into strict v_endpoint_id
    from artery.endpoint as e
    where e.name = p_endpoint;

    -- what a site has changed of its routes stays as it is
    insert into artery.route as r (
        topic, endpoint_id, method, path_template, reply_handler, notify_channel, status_path_template,
        status_interval, status_deadline, status_done, status_failed, description
    )
    select
        format('%s.%s', v_prefix, t.topic), v_endpoint_id, t.method, t.path,
        'artery_tax.handle_invoice_reply(jsonb)', t.channel, t.asked_at,
        interval '2 seconds', interval '1 day', s.done, s.failed, t.description
    from (values
        (
            'invoice.issue', 'POST', '/invoices', 'invoice_request',
            '/invoices/by-request/{request_id}', 'An invoice is asked for'
        ),
        (
            'invoice.query', 'GET', '/invoices/by-request/{request_id}', null, null,
            'What became of an invoice that the gateway is working on'
        )
    ) as t (topic, method, path, channel, asked_at, description)
    cross join (
        select
            artery_tax._status_path(p_profile, 'issued') as done,
            artery_tax._status_path(p_profile, 'failed') as failed
    ) as s
    on conflict (topic) do update
    set endpoint_id = excluded.endpoint_id
    where r.endpoint_id <> excluded.endpoint_id;
    perform artery_tax._setup_files(v_endpoint_id, p_profile);
    perform artery_tax._setup_red_letters(v_endpoint_id, p_profile);
    return v_endpoint_id;
end
$function$;

comment on function artery_tax.setup_gateway(text, text, text, text, text) is
'Says where the tax gateway of a profile is, or is now: makes or updates its endpoint and the routes of invoices; returns the '
'endpoint''s id. Again with the same: changes nothing. Errors: IN007, IN008, IN014 as artery.endpoint; IN014 no such profile';
grant execute on function artery_tax.setup_gateway(text, text, text, text, text) to artery_admin;
