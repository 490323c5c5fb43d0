create or replace function artery_procurement.setup_supplier_cloud(
    p_base_url text,
    p_endpoint text default 'supplier_cloud',
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
begin
    insert into artery.endpoint as e (name, base_url, auth_kind, secret_ref, cloud)
    values (p_endpoint, p_base_url, p_auth_kind, p_secret_ref, true)
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

    -- what a site has changed of its routes (path, priority, channel) stays as it is
    insert into artery.route as r (topic, endpoint_id, path_template, reply_handler, description)
    select
        'procurement.po.' || a.action,
        v_endpoint_id,
        '/po/' || a.action,
        'artery_procurement.handle_po_reply(jsonb)',
        a.description
    from (values
        ('approve', 'A purchase order was approved'),
        ('change', 'An approved order changed, or the buyer decided on a reply to it'),
        ('cancel', 'An approved order was cancelled')
    ) as a (action, description)
    on conflict (topic) do update
    set endpoint_id = excluded.endpoint_id
    where r.endpoint_id <> excluded.endpoint_id;
    return v_endpoint_id;
end
$function$;
comment on function artery_procurement.setup_supplier_cloud(text, text, text, text) is
'Says where the supplier cloud (Cloud_Bus) is, or is now: makes or updates its endpoint and the routes of purchase '
'orders; returns the endpoint''s id. Again with the same: changes nothing. Errors: IN007, IN008, IN014 as artery.endpoint';
grant execute on function artery_procurement.setup_supplier_cloud(text, text, text, text)
to artery_admin;
