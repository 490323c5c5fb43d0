/* One shipping notice, whose form the schema has been asked about. A notice is what its highest
   revision says, whichever came first; the lines of orders follow from the set of notices
   (artery_erp.settle_order_lines). */
create or replace function artery_procurement.take_asn(p_supplier text, p_body jsonb)
returns jsonb
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $function$
declare
    v_asn_no text := artery_erp.clean_code(p_body ->> 'asn_no');
    v_revision integer := coalesce((p_body ->> 'revision')::integer, 1);
    v_status text := coalesce(p_body ->> 'status', 'in_transit');
    v_shipped_at timestamptz := artery_procurement._instant(p_body ->> 'shipped_at');
    v_expected_at timestamptz := artery_procurement._instant(p_body ->> 'expected_at');
    v_lines jsonb := coalesce(p_body -> 'lines', '[]');
    v_reasons jsonb;
    v_parsed record;
    v_hash bigint;
    v_known record;
    v_answer jsonb;
begin
    perform artery_procurement.lock_order_lines(p_supplier, array_agg(w.po_no), array_agg(w.line_no))
    from (
        select
            artery_erp.clean_code(e.body ->> 'po_no') as po_no,
            (e.body ->> 'po_line_no')::integer as line_no
        from jsonb_array_elements(v_lines) as e (body)
        union
        select
            a.po_no,
            a.po_line_no
        from artery_erp.asn_line as a
        where a.supplier_code = p_supplier and a.asn_no = v_asn_no
    ) as w;
    select
        array_agg(a.po_no) as po_nos,
        array_agg(a.po_line_no) as line_nos,
        array_agg(a.path) as paths,
        jsonb_agg(to_jsonb(a) - 'body' - 'path' order by a.line_no) as rows
    into strict v_parsed
    from artery_procurement._asn_lines(p_supplier, v_lines) as a;
    select jsonb_agg(r.reason)
    into v_reasons
    from (
        select artery._reason('IN605', c.message, c.hint, c.path) as reason
        from (values
            (
                v_asn_no !~ '^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$',
                'asn_no is no number of a document', 'ASCII letters, digits and . _ / - only, 64 at most.', '/asn_no'
            ),
            (
                v_shipped_at is null,
                'shipped_at is no time with its offset from UTC', 'ISO 8601: 2026-03-31T08:00:00+02:00.', '/shipped_at'
            ),
            (
                p_body ->> 'expected_at' is not null and v_expected_at is null,
                'expected_at is no time with its offset from UTC', 'ISO 8601: 2026-03-31T08:00:00+02:00.', '/expected_at'
            )
        ) as c (wrong, message, hint, path)
        where c.wrong
        union all
        select l.reason
        from artery_procurement._order_line_reasons(
            p_supplier, v_parsed.po_nos, v_parsed.line_nos, v_parsed.paths
        ) as l (reason)
        union all
        select l.reason
        from artery_procurement._asn_line_reasons(p_supplier, v_lines) as l (reason)
    ) as r;
    if v_reasons is not null then
        return jsonb_build_object('reasons', v_reasons);
    end if;

    v_hash := hashtextextended(jsonb_build_array(
        v_status, v_shipped_at, v_expected_at, p_body ->> 'carrier', p_body ->> 'tracking_no', v_parsed.rows
    )::text, 0);
    v_answer := jsonb_build_object('asn_no', v_asn_no, 'revision', v_revision, 'status', v_status);

    select
        d.revision,
        d.content_hash,
        d.status
    into v_known
    from artery_erp.asn_document as d
    where d.supplier_code = p_supplier and d.asn_no = v_asn_no
    for update;
    if v_known.revision > v_revision then
        return v_answer || jsonb_build_object('status', 'superseded', 'latest_revision', v_known.revision);
    elsif v_known.revision = v_revision and v_known.content_hash = v_hash then
        return v_answer || jsonb_build_object('status', v_known.status);
    elsif v_known.revision = v_revision then
        return jsonb_build_object('reasons', jsonb_build_array(artery._reason(
            'IN612', format('revision %s of notice %s is here with other content', v_revision, v_asn_no),
            'What has changed is sent as a higher revision.', '/revision'
        )));
    elsif v_known.status = 'received' or exists (
        select
        from artery_erp.asn_line as a
        where a.supplier_code = p_supplier and a.asn_no = v_asn_no and a.received_quantity > 0
    ) then
        return jsonb_build_object('reasons', jsonb_build_array(artery._reason(
            'IN613', format('the goods of notice %s have been received', v_asn_no),
            'What was received stands. Ask the buyer.', '/asn_no'
        )));
    end if;
    perform artery_procurement._store_asn(
        p_supplier, v_asn_no, v_revision, v_status, v_shipped_at, v_expected_at, p_body, v_parsed.rows, v_hash
    );
    return v_answer;
end
$function$;
comment on function artery_procurement.take_asn(text, jsonb) is
'Takes a shipping notice: {"asn_no", "revision", "status", "latest_revision" where a later one is here} or {"reasons"}: '
'IN605 its form, IN606 to IN611 its lines, IN612 the revision has other content, IN613 received already';
revoke execute on function artery_procurement.take_asn(text, jsonb) from public;
