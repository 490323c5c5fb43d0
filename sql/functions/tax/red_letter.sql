create or replace function artery_tax.red_letter(
    p_order_no text, p_reason text, p_lines jsonb default null, p_note text default null,
    p_key text default null
)
returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_asked constant jsonb := jsonb_build_object(
        'order_no', p_order_no, 'reason', p_reason, 'lines', p_lines, 'note', p_note
    );
    v_first record;
    v_saga text;
    v_order_no text;
begin
    -- the blue invoice first: a second call with the same key waits for the first one here
    select g.topic_prefix || '.red_letter'
    into v_saga
    from artery_erp.ar_invoice as v
    inner join artery_tax.gateway_profile as g on g.name = v.profile
    where v.order_no = p_order_no
    for update of v;
    if not found then
        perform artery_tax._no_invoice(p_order_no);
    end if;
    select
        r.order_no,
        r.asked
    into v_first
    from artery_tax.red_letter as r
    where r.key = p_key;
    if found and v_first.asked = v_asked then
        return v_first.order_no;
    elsif found then
        raise exception using
            errcode = 'IN531',
            message = format('red letter %s has the key %L and takes back something else', v_first.order_no, p_key),
            detail = format('Asked first: %s.', v_first.asked),
            hint = 'The same key is for the same request, come again; another one needs a key of its own.';
    end if;

    if not exists (select from artery.saga_definition as d where d.name = v_saga) then
        raise exception using
            errcode = 'IN532',
            message = format('no gateway is set up to take invoice %s back', p_order_no),
            detail = format('There is no saga %L.', v_saga),
            hint = 'artery_tax.setup_gateway(base_url, profile) makes it, and its routes.';
    end if;
    v_order_no := artery_tax._draft_red_letter(p_order_no, p_reason, p_lines, p_note, p_key);
    update artery_tax.red_letter as r
    set saga_id = artery.start_saga(
        v_saga,
        jsonb_build_object('order_no', p_order_no, 'red_order_no', v_order_no),
        p_key => v_order_no,
        p_document_type => 'ar_invoice',
        p_document_id => v_order_no
    )
    where r.order_no = v_order_no;
    return v_order_no;
end
$function$;

comment on function artery_tax.red_letter(text, text, jsonb, text, text) is
'Takes an issued invoice back by a red one (冲红): all that is left of it, or p_lines [{"line_no", "quantity" or "amount" (without '
'tax)}]. Reason 01 error, 02 return, 03 service stopped, 04 allowance. Asks for the confirmation, then for the red invoice; gives its '
'order number. Same p_key and request again: the same. Errors: IN503 no such invoice, IN530 not so, with all reasons, IN531 key reused, '
'IN532 no gateway';
grant execute on function artery_tax.red_letter(text, text, jsonb, text, text)
    to artery_app, artery_operator;
