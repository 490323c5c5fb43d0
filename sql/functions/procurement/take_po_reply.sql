/* One reply, whose form the schema has been asked about. Which of several replies counts is decided
   by when the supplier gave them, not by when they came. */
create or replace function artery_procurement.take_po_reply(
    p_supplier text, p_reply_no text, p_body jsonb
)
returns jsonb
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_po_no text := artery_erp.clean_code(p_body ->> 'po_no');
    v_version integer := (p_body ->> 'version')::integer;
    v_replied_at timestamptz := artery_procurement._instant(p_body ->> 'replied_at');
    v_lines jsonb := case when p_body ->> 'reply' = 'counter' then p_body -> 'lines' else '[]' end;
    v_latest integer;
    v_reasons jsonb;
    v_status text;
begin
    select o.version
    into v_latest
    from artery_erp.purchase_order as o
    where
        o.supplier_code = p_supplier
        and o.po_no = v_po_no
        and (o.version > 0 or o.status in ('approved', 'closed'))
    for no key update;

    select jsonb_agg(artery._reason(p.code, p.message, p.hint, p.path))
    into v_reasons
    from (
        select
            c.code,
            c.message,
            c.hint,
            c.path
        from (values
            (
                v_latest is null,
                'IN606', format('there is no order %s for you', v_po_no),
                'Name po_no as the order has it.', '/po_no'
            ),
            (
                v_version > v_latest,
                'IN604', format('order %s has no version %s yet', v_po_no, v_version),
                'Reply to the version that you were sent.', '/version'
            ),
            (
                v_replied_at is null,
                'IN604', 'replied_at is no time with its offset from UTC',
                'ISO 8601: 2026-03-31T08:00:00+02:00.', '/replied_at'
            )
        ) as c (wrong, code, message, hint, path)
        where c.wrong
        union all
        select
            'IN604',
            f.message,
            'docs/suppliers.md has the form of a reply.',
            format('/lines/%s/%s', e.no - 1, f.field)
        from jsonb_array_elements(v_lines) with ordinality as e (line, no)
        cross join lateral (values
            (
                v_latest is not null and not exists (
                    select
                    from artery_erp.purchase_order_line as l
                    where
                        l.supplier_code = p_supplier
                        and l.po_no = v_po_no
                        and l.line_no = (e.line ->> 'line_no')::integer
                ),
                'line_no', format('order %s has no line %s', v_po_no, e.line ->> 'line_no')
            ),
            (
                exists (
                    select
                    from jsonb_array_elements(v_lines) with ordinality as x (line, no)
                    where x.no < e.no and x.line -> 'line_no' = e.line -> 'line_no'
                ),
                'line_no', format('line %s comes twice', e.line ->> 'line_no')
            ),
            (
                e.line ->> 'quantity' is not null
                and coalesce(artery_procurement._number(e.line ->> 'quantity'), 0) = 0,
                'quantity', 'quantity is no number above zero, of 15 digits and 8 decimals at most'
            ),
            (
                e.line ->> 'unit_price' is not null
                and artery_procurement._number(e.line ->> 'unit_price') is null,
                'unit_price', 'unit_price is no number of 15 digits and 8 decimals at most'
            ),
            (
                e.line ->> 'due_at' is not null
                and artery_procurement._instant(e.line ->> 'due_at') is null,
                'due_at', 'due_at is no time with its offset from UTC'
            )
        ) as f (wrong, field, message)
        where f.wrong
    ) as p;
    if v_reasons is not null then
        return jsonb_build_object('reasons', v_reasons);
    end if;

    insert into artery_procurement.po_reply (
        supplier_code, reply_no, po_no, version, reply, reason, replied_at
    )
    values (
        p_supplier, p_reply_no, v_po_no, v_version, p_body ->> 'reply', p_body ->> 'reason', v_replied_at
    );
    insert into artery_procurement.po_reply_line (
        supplier_code, reply_no, line_no, quantity, unit_price, due_at, reason
    )
    select
        p_supplier,
        p_reply_no,
        (e.line ->> 'line_no')::integer,
        artery_procurement._number(e.line ->> 'quantity'),
        artery_procurement._number(e.line ->> 'unit_price'),
        artery_procurement._instant(e.line ->> 'due_at'),
        e.line ->> 'reason'
    from jsonb_array_elements(v_lines) as e (line);
    perform artery_procurement.settle_replies(p_supplier, v_po_no);

    select r.status
    into strict v_status
    from artery_procurement.po_reply as r
    where r.supplier_code = p_supplier and r.reply_no = p_reply_no;
    return jsonb_build_object('po_no', v_po_no, 'version', v_version, 'status', v_status, 'latest_version', v_latest);
end
$function$;
comment on function artery_procurement.take_po_reply(text, text, jsonb) is
'Takes a supplier''s reply to an order: {"po_no", "version", "status", "latest_version"} or {"reasons"}: IN604 not in '
'its form, IN606 no such order';
revoke execute on function artery_procurement.take_po_reply(text, text, jsonb) from public;
