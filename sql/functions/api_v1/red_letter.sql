create or replace function artery_api_v1.red_letter(jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_unknown text;
    v_order_no text;
begin
    select string_agg(k.key, ', ') into v_unknown
    from jsonb_object_keys(case jsonb_typeof($1) when 'object' then $1 else '{"no object": 0}' end) as k (key)
    where k.key not in ('order_no', 'reason', 'lines', 'note', 'message_id');
    if v_unknown is not null or coalesce($1 ->> 'message_id', '') = '' then
        raise exception using
            errcode = 'invalid_parameter_value',
            message = coalesce('unknown: ' || v_unknown, 'message_id is missing'),
            detail = format('Got %s.', left($1::text, 200)),
            hint = 'Send {"order_no", "reason": "01" to "04", "message_id"} and, for a part, "lines": [{"line_no", "quantity" or "amount"}].';
    end if;
    v_order_no := artery_tax.red_letter(
        $1 ->> 'order_no', $1 ->> 'reason', nullif($1 -> 'lines', 'null'), $1 ->> 'note', $1 ->> 'message_id'
    );
    return (
        select jsonb_build_object(
            'order_no', r.order_no,
            'original_order_no', r.original_order_no,
            'status', r.status,
            'invoice_no', v.invoice_no,
            'total', v.total::text
        )
        from artery_tax.red_letter as r
        inner join artery_erp.ar_invoice as v on v.order_no = r.order_no
        where r.order_no = v_order_no
    );
end
$function$;

comment on function artery_api_v1.red_letter(jsonb) is
'Takes an issued invoice back: {"order_no", "reason": "01".."04", "message_id", "lines"?: [{"line_no", "quantity" or "amount"}], '
'"note"?} -> {"order_no" (of the red one), "original_order_no", "status", "invoice_no", "total"}. Same message_id again: the same, as it is now. '
'Errors: IN503, IN530, IN531, IN532 as artery_tax.red_letter; 22023 bad argument';
grant execute on function artery_api_v1.red_letter(jsonb) to artery_app;
