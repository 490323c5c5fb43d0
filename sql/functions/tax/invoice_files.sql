create or replace function artery_tax.invoice_files(p_order_no text)
returns table (
    kind text, status text, attachment_id bigint, file_name text, content_type text, bytes bigint,
    sha256 text, attached_at timestamptz, task_id bigint, reason text
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $function$
select
    r.download,
    case when a.id is not null then 'attached' else t.status end,
    a.id,
    a.file_name,
    a.content_type,
    a.bytes,
    encode(a.sha256, 'hex'),
    a.attached_at,
    t.id,
    case when a.id is null then t.error ->> 'message' end
from artery_erp.ar_invoice as v
inner join artery_tax.gateway_profile as g on g.name = v.profile
inner join artery.route as r
    on r.download is not null and starts_with(r.topic, g.topic_prefix || '.invoice.')
left join lateral (
    select m.*
    from artery.attachment as m
    where m.document_id = v.order_no and m.document_type = 'ar_invoice' and m.topic = r.topic
    order by m.id desc
    limit 1
) as a on true
left join lateral (
    select
        i.id,
        i.status,
        i.error
    from artery.integration_task as i
    where i.document_id = v.order_no and i.document_type = 'ar_invoice' and i.topic = r.topic
    order by i.id desc
    limit 1
) as t on true
where v.order_no = p_order_no and num_nonnulls(a.id, t.id) > 0
order by r.download
$function$;

comment on function artery_tax.invoice_files(text) is
'The files of an invoice: attached (the content: artery.attachment_content(attachment_id)), or how far the task is that '
'fetches it and why it failed';
grant execute on function artery_tax.invoice_files(text) to artery_app, artery_reader;
