/* Which files there are is what the gateway's answer says; a profile whose answers do not tell has
   those of all kinds with a route. What was announced with a digest is attached with that digest or
   not at all. */
create or replace function artery_tax.fetch_files(p_order_no text)
returns bigint[]
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_invoice record;
    v_file record;
    v_task_id bigint;
    v_tasks bigint[] := array[]::bigint[];
begin
    select
        v.invoice_no,
        v.request_id,
        g.topic_prefix || '.invoice.' as topics,
        g.answer ? 'files' as tells,
        artery_tax.read_answer(v.response, v.profile) -> 'files' as files
    into v_invoice
    from artery_erp.ar_invoice as v
    inner join artery_tax.gateway_profile as g on g.name = v.profile
    where v.order_no = p_order_no
    for update of v;
    if not found then
        perform artery_tax._no_invoice(p_order_no);
    end if;
    if v_invoice.invoice_no is null then
        raise exception using
            errcode = 'IN504',
            message = format('invoice %s is not issued: it has no files', p_order_no),
            detail = 'The gateway has given it no number.',
            hint = 'Its files are fetched by themselves as soon as it is issued.';
    end if;

    -- a task for each, as one that fails holds back no other
    for v_file in
        select
            r.topic,
            substr(r.topic, length(v_invoice.topics) + 1) as kind,
            f.file ->> 'sha256' as sha256
        from artery.route as r
        left join lateral (
            select e.value as file
            from jsonb_array_elements(
                case jsonb_typeof(v_invoice.files) when 'array' then v_invoice.files else '[]' end
            ) as e
            where r.topic = v_invoice.topics || (e.value ->> 'kind')
            limit 1
        ) as f on true
        where
            r.download is not null
            and starts_with(r.topic, v_invoice.topics)
            and (f.file is not null or not v_invoice.tells)
            and not exists (
                select from artery.attachment as a
                where a.document_id = p_order_no and a.document_type = 'ar_invoice' and a.topic = r.topic
            )
            and not exists (
                select from artery.integration_task as t
                where t.document_id = p_order_no and t.document_type = 'ar_invoice' and t.topic = r.topic
                    and t.status in ('pending', 'processing', 'failed', 'held')
            )
        order by r.topic
    loop
        v_task_id := artery.enqueue_task(
            v_file.topic,
            p_document_type => 'ar_invoice',
            p_document_id => p_order_no,
            p_path_params => jsonb_build_object(
                'invoice_no', v_invoice.invoice_no, 'request_id', v_invoice.request_id,
                'order_no', p_order_no, 'kind', v_file.kind
            ),
            p_headers => '{"Want-Repr-Digest": "sha-256=10"}'
        );
        if v_file.sha256 is not null then
            perform artery.expect_file(v_task_id, v_file.sha256);
        end if;
        v_tasks := v_tasks || v_task_id;
    end loop;
    return v_tasks;
end
$function$;

comment on function artery_tax.fetch_files(text) is
'Fetches the files of an issued invoice (<prefix>.invoice.pdf and the like) that are neither attached nor on their way; gives the tasks'' '
'ids. Called when an invoice is issued; by hand after a file failed for good. Errors: IN503 no such invoice, IN504 not issued';
grant execute on function artery_tax.fetch_files(text) to artery_app, artery_operator;
