create or replace function artery_tax._setup_files(p_endpoint_id integer, p_profile text)
returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
as $function$
insert into artery.route as r (
    topic, endpoint_id, method, path_template, reply_handler, download, download_bytes, description
)
select
    format('%s.invoice.%s', g.topic_prefix, k.kind), p_endpoint_id, 'GET', '/invoices/{invoice_no}/files/' || k.kind,
    'artery_tax.handle_file_reply(jsonb)', k.kind, 16777216, 'A file of an invoice that was issued'
from artery_tax.gateway_profile as g
cross join (values ('pdf'), ('ofd'), ('xml')) as k (kind)
where g.name = p_profile and g.answer ? 'files'
on conflict (topic) do update
set endpoint_id = excluded.endpoint_id
where r.endpoint_id <> excluded.endpoint_id
$function$;
comment on function artery_tax._setup_files(integer, text) is
'Where a profile''s answers tell of files: the routes by which files of invoices are fetched; what a site has changed of them stays';
grant execute on function artery_tax._setup_files(integer, text) to artery_admin;
