create or replace function artery_tax.handle_file_reply(p_reply jsonb)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    if p_reply ->> 'document_type' is distinct from 'ar_invoice' then
        raise exception using
            errcode = 'IN505',
            message = format('task %s fetched no invoice''s file', p_reply ->> 'task_id'),
            detail = format('Topic %s, document %s.', p_reply ->> 'topic', p_reply ->> 'document_id'),
            hint = 'Only routes that artery_tax.fetch_files uses can have this reply handler.';
    end if;
    perform artery_tax.note_invoice(
        p_reply ->> 'document_id',
        case p_reply ->> 'outcome' when 'sent' then 'file attached' else 'file failed' end,
        jsonb_strip_nulls(jsonb_build_object(
            'topic', p_reply ->> 'topic',
            'task_id', p_reply -> 'task_id',
            'attachment_id', p_reply #> '{body,attachment_id}',
            'bytes', p_reply #> '{body,bytes}',
            'sha256', p_reply #> '{body,sha256}',
            'why', case when p_reply ->> 'outcome' <> 'sent' then coalesce(
                p_reply #> '{error,message}', p_reply #> '{body,title}', p_reply -> 'status_code'
            ) end
        ))
    );
end
$function$;

comment on function artery_tax.handle_file_reply(jsonb) is
'Reply handler of the files of invoices: notes in the invoice''s history that one is attached, or why not. Errors: IN505 not of an invoice';
revoke execute on function artery_tax.handle_file_reply(jsonb) from public;
