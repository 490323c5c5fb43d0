create or replace function artery_tax.decide_alarm(p_id bigint, p_accept boolean, p_reason text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_alarm record;
begin
    select
        a.order_no,
        a.read,
        a.answer,
        v.status
    into v_alarm
    from artery_tax.invoice_alarm as a
    inner join artery_erp.ar_invoice as v on v.order_no = a.order_no
    where a.id = p_id and a.decided_at is null
    for update;
    if not found or p_accept is null or coalesce(p_reason, '') !~ '[^[:space:]]' then
        raise exception using
            errcode = 'IN506',
            message = format('alarm %s cannot be decided', p_id),
            detail = case
                when v_alarm.order_no is null then 'There is none of that number that is open.'
                else 'It says neither yes nor no, or not why.'
            end,
            hint = 'select * from artery_tax.invoice_alarm where decided_at is null';
    end if;
    if p_accept and (
        v_alarm.status not in ('requested', 'refused', 'undelivered') or v_alarm.read ->> 'number' is null
    ) then
        raise exception using
            errcode = 'IN506',
            message = format('the answer of alarm %s cannot be written', p_id),
            detail = format(
                'Invoice %s is %s; the answer''s number: %s.',
                v_alarm.order_no, v_alarm.status, coalesce(v_alarm.read ->> 'number', 'none')
            ),
            hint = 'Settle it at the gateway, then decide the alarm with false.';
    end if;

    update artery_tax.invoice_alarm as a
    set
        decided_at = clock_timestamp(),
        decided_by = session_user,
        accepted = p_accept,
        reason = p_reason
    where a.id = p_id;
    perform artery_tax.note_invoice(
        v_alarm.order_no, 'alarm decided',
        jsonb_build_object('alarm', p_id, 'accepted', p_accept, 'reason', p_reason)
    );
    if p_accept then
        perform artery_tax._write_answer(v_alarm.order_no, v_alarm.read, v_alarm.answer);
    elsif v_alarm.status = 'requested' and not exists (
        select
        from artery.integration_task as t
        where t.document_id = v_alarm.order_no and t.document_type = 'ar_invoice'
            and t.status in ('pending', 'processing', 'failed', 'held')
    ) then
        perform artery_tax._refuse(v_alarm.order_no, 'refused', p_reason, v_alarm.answer);
    end if;
end
$function$;

comment on function artery_tax.decide_alarm(bigint, boolean, text) is
'A person''s decision on an answer that contradicts what was asked: true = write it to the invoice as it is; false = nothing was issued '
'(or it was undone at the gateway): the invoice is refused, and can be requested again. Errors: IN506 no such open alarm, or it cannot '
'be written';
grant execute on function artery_tax.decide_alarm(bigint, boolean, text) to artery_operator;
