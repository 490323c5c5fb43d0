/* A confirmation that contradicts what was asked is an alarm and confirms nothing: the red invoice
   is then not asked for, and its saga takes the confirmation back. */
create or replace function artery_tax.handle_confirmation_reply(p_reply jsonb)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_answer jsonb := case jsonb_typeof(p_reply -> 'body') when 'object' then p_reply -> 'body' else '{}' end;
    v_sent boolean := p_reply ->> 'outcome' = 'sent';
    v_withdrawal boolean := p_reply ->> 'topic' like '%.red.withdraw';
    v_letter record;
    v_differences jsonb;
begin
    select
        r.order_no,
        r.status,
        v.amount,
        v.tax,
        v.total,
        b.invoice_no
    into v_letter
    from artery_tax.red_letter as r
    inner join artery_erp.ar_invoice as v on v.order_no = r.order_no
    inner join artery_erp.ar_invoice as b on b.order_no = r.original_order_no
    where r.order_no = p_reply ->> 'document_id'
    for update of r;
    if not found then
        raise exception using
            errcode = 'IN534',
            message = format('task %s is about no red letter', p_reply ->> 'task_id'),
            detail = format('Topic %s, document %s.', p_reply ->> 'topic', p_reply ->> 'document_id'),
            hint = 'Only routes that artery_tax.setup_gateway made can have this reply handler.';
    end if;

    if v_sent and not v_withdrawal then
        select jsonb_agg(jsonb_build_object('field', d.field, 'asked', d.asked, 'answered', v_answer ->> d.field))
        into v_differences
        from (values
            ('status', 'confirmed'),
            ('orderNo', v_letter.order_no),
            ('originalInvoiceNo', v_letter.invoice_no),
            ('totalAmount', v_letter.amount::text),
            ('totalTax', v_letter.tax::text),
            ('totalWithTax', v_letter.total::text)
        ) as d (field, asked)
        where v_answer ->> d.field <> d.asked or d.field = 'status' and not v_answer ? 'status';
        if coalesce(v_answer ->> 'confirmationNo', '') = '' then
            v_differences := coalesce(v_differences, '[]') || jsonb_build_object(
                'field', 'confirmationNo', 'asked', 'a number', 'answered', v_answer ->> 'confirmationNo'
            );
        end if;
    end if;
    if v_differences is not null then
        perform artery_tax._raise_alarm(
            v_letter.order_no, (p_reply ->> 'task_id')::bigint, v_differences, '{}', v_answer
        );
    end if;

    update artery_tax.red_letter as r
    set
        status = s.status,
        confirmation_no = coalesce(v_answer ->> 'confirmationNo', r.confirmation_no),
        confirmed_at = case s.status when 'confirmed' then clock_timestamp() else r.confirmed_at end,
        response = case when v_answer <> '{}' then v_answer else r.response end
    from (
        select case
            when v_withdrawal and v_sent then 'withdrawn'
            when v_withdrawal or v_differences is not null or v_letter.status <> 'requested' then v_letter.status
            when v_sent then 'confirmed'
            when p_reply #>> '{error,kind}' is null then 'refused'
            else v_letter.status
        end as status
    ) as s
    where r.order_no = v_letter.order_no;
    perform artery_tax.note_invoice(
        v_letter.order_no, case when v_withdrawal then 'confirmation withdrawn' else 'confirmation' end,
        jsonb_strip_nulls(jsonb_build_object(
            'outcome', p_reply ->> 'outcome',
            'confirmation_no', v_answer -> 'confirmationNo',
            'reason', coalesce(
                v_answer ->> 'message', v_answer ->> 'title', p_reply #>> '{error,message}'
            )
        ))
    );
end
$function$;

comment on function artery_tax.handle_confirmation_reply(jsonb) is
'Reply handler of confirmations of red letters and of their withdrawal; one that contradicts the request is an alarm. Errors: IN534 the '
'task is about no red letter';
revoke execute on function artery_tax.handle_confirmation_reply(jsonb) from public;
