/* Under the lock of the blue invoice: what is left of it is counted and taken in one go, and
   whoever asks at the same time waits, and then sees what is left. */
create or replace function artery_tax._draft_red_letter(
    p_order_no text, p_reason text, p_lines jsonb, p_note text, p_key text default null,
    p_saga_id bigint default null
)
returns text
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_blue record;
    v_red record;
    v_problems text;
begin
    select
        v.kind,
        v.status
    into v_blue
    from artery_erp.ar_invoice as v
    where v.order_no = p_order_no
    for update;
    if not found then
        perform artery_tax._no_invoice(p_order_no);
    end if;

    select nullif(concat_ws(' ',
        case when v_blue.kind <> 'blue' then 'It is red itself.' end,
        case
            when v_blue.status not in ('issued', 'partly_red')
                then format('It is %s: only what the gateway has confirmed as issued is taken back.', v_blue.status)
        end,
        case
            when coalesce(p_reason not in ('01', '02', '03', '04'), true)
                then format('Reason %s is none of 01, 02, 03, 04.', coalesce(p_reason, '(null)'))
        end,
        case
            when coalesce(jsonb_typeof(p_lines), 'array') <> 'array' or p_lines = '[]'
                then 'The lines are no array, or an empty one; leave them out to take all back.'
        end,
        string_agg(l.problem, ' '),
        case
            when p_lines is null and count(l.line_no) = 0 and v_blue.kind = 'blue'
                and v_blue.status in ('issued', 'partly_red')
                then 'Nothing of it is left.'
        end
    ), '')
    into v_problems
    from artery_tax._red_lines(p_order_no, p_lines) as l;
    if v_problems is not null then
        raise exception using
            errcode = 'IN530',
            message = format('invoice %s cannot be taken back so', p_order_no),
            detail = v_problems,
            hint = 'All that is wrong is named here. artery_tax.red_left(order_no) shows what is left of it.';
    end if;

    insert into artery_erp.ar_invoice as r (
        kind, original_order_no, invoice_type, source_type, source_id, part, merchant, profile,
        customer_code, buyer_name, buyer_tax_no, buyer_address, buyer_phone, buyer_bank, buyer_account,
        buyer_natural_person, currency, remark, amount, tax, total
    )
    select
        'red', v.order_no, v.invoice_type, 'ar_invoice', v.order_no, n.part, v.merchant, v.profile,
        v.customer_code, v.buyer_name, v.buyer_tax_no, v.buyer_address, v.buyer_phone, v.buyer_bank,
        v.buyer_account, v.buyer_natural_person, v.currency, p_note, -t.amount, -t.tax, -t.amount - t.tax
    from artery_erp.ar_invoice as v
    cross join lateral (
        select 1 + count(*) as part
        from artery_erp.ar_invoice as o
        where o.original_order_no = v.order_no and o.kind = 'red'
    ) as n
    cross join lateral (
        select
            sum(l.amount) as amount,
            sum(l.tax) as tax
        from artery_tax._red_lines(v.order_no, p_lines) as l
    ) as t
    where v.order_no = p_order_no
    returning r.order_no into strict v_red;

    insert into artery_erp.ar_invoice_line (
        order_no, line_no, original_line_no, item_code, name, tax_class_code, spec, unit, quantity, price,
        amount, category, rate, tax, policy
    )
    select
        v_red.order_no, row_number() over (order by b.line_no), b.line_no, b.item_code, b.name,
        b.tax_class_code, b.spec, b.unit, -l.quantity, round(l.amount / l.quantity, 8), -l.amount,
        b.category, b.rate, -l.tax, b.policy
    from artery_tax._red_lines(p_order_no, p_lines) as l
    inner join artery_erp.ar_invoice_line as b on b.order_no = p_order_no and b.line_no = l.line_no;

    insert into artery_tax.red_letter (order_no, original_order_no, key, asked, reason, note, saga_id)
    values (
        v_red.order_no, p_order_no, p_key,
        jsonb_build_object('order_no', p_order_no, 'reason', p_reason, 'lines', p_lines, 'note', p_note),
        p_reason, p_note, p_saga_id
    );
    perform artery_tax.note_invoice(
        p_order_no, 'red letter', jsonb_build_object('order_no', v_red.order_no, 'reason', p_reason)
    );
    return v_red.order_no;
end
$function$;
comment on function artery_tax._draft_red_letter(text, text, jsonb, text, text, bigint) is
'Writes a red invoice as a draft, its lines and its red letter; gives its order number. Errors: IN503, IN530';
