create or replace function artery_mes.set_format(p_format text, p_sender text default 'ERP')
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    update artery_mes.setting as s
    set
        format = p_format,
        sender = p_sender;
    update artery.route as r
    set
        envelope = case when p_format = 'json' then null else 'xml' end,
        content_type = case when p_format = 'json' then 'application/json' else 'application/xml' end
    where r.topic in ('mes.mo.create', 'mes.mo.change', 'mes.mo.cancel');
end
$function$;

comment on function artery_mes.set_format(text, text) is
'Says what the MES demands of orders: json, b2mml_v0401 or b2mml_v0700; after artery_mes.setup_mes. What is queued '
'stays as it is. Errors: 23514 another format';
grant execute on function artery_mes.set_format(text, text) to artery_admin;
