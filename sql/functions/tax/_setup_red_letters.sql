/* A buyer has 72 hours to confirm; a confirmation that is still open then is held for a person. */
create or replace function artery_tax._setup_red_letters(p_endpoint_id integer, p_profile text)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_prefix text;
    v_needs boolean;
begin
    select
        g.topic_prefix,
        g.needs_confirmation
    into strict v_prefix, v_needs
    from artery_tax.gateway_profile as g
    where g.name = p_profile;

    insert into artery.route as r (
        topic, endpoint_id, path_template, reply_handler, status_path_template, status_interval, status_deadline,
        status_done, status_failed, notify_channel, description
    )
    select
        v_prefix || t.topic, p_endpoint_id, t.path, t.handler, t.asked_at, t.every, t.until, t.done, t.failed,
        t.channel, t.description
    from (values
        (
            '.red.issue', '/invoices', 'artery_tax.handle_invoice_reply(jsonb)',
            '/invoices/by-request/{request_id}', interval '2 seconds', interval '1 day',
            artery_tax._status_path(p_profile, 'issued'), artery_tax._status_path(p_profile, 'failed'),
            'invoice_request', 'A red invoice is asked for'
        ),
        (
            '.red.confirm', '/red-confirmations', 'artery_tax.handle_confirmation_reply(jsonb)',
            '/red-confirmations/by-request/{request_id}', interval '10 seconds', interval '72 hours',
            '$.status == "confirmed"', '$.status == "refused" || $.status == "failed"',
            null, 'The confirmation of a red letter is asked for'
        ),
        (
            '.red.withdraw', '/red-confirmations/by-request/{confirmation_request_id}/withdrawal',
            'artery_tax.handle_confirmation_reply(jsonb)', '/red-withdrawals/by-request/{request_id}',
            interval '10 seconds', interval '1 day', '$.status == "withdrawn"', null,
            null, 'A confirmation that no red invoice came of is taken back'
        )
    ) as t (topic, path, handler, asked_at, every, until, done, failed, channel, description)
    where t.topic = '.red.issue' or v_needs
    on conflict (topic) do update
    set endpoint_id = excluded.endpoint_id
    where r.endpoint_id <> excluded.endpoint_id;

    insert into artery.saga_definition (name, description)
    values (v_prefix || '.red_letter', 'A red letter: its confirmation, then the red invoice')
    on conflict (name) do nothing;
    insert into artery.saga_step (saga, position, name, topic, function, undo_topic, undo_function)
    select v_prefix || '.red_letter', s.position, s.name, v_prefix || s.topic, s.function, v_prefix || s.undo_topic, s.undo
    from (values
        (1, 'reserve', null, 'artery_tax.red_reserve(jsonb)', null, 'artery_tax.red_release(jsonb)'),
        (
            2, 'confirmation', '.red.confirm', 'artery_tax.red_confirmation(jsonb)', '.red.withdraw',
            'artery_tax.red_withdrawal(jsonb)'
        ),
        (3, 'issue', '.red.issue', 'artery_tax.red_issue(jsonb)', null, null)
    ) as s (position, name, topic, function, undo_topic, undo)
    where s.name <> 'confirmation' or v_needs
    on conflict do nothing;
end
$function$;
comment on function artery_tax._setup_red_letters(integer, text) is
'The routes and the saga of a profile''s red letters; what a site has changed of them stays';
grant execute on function artery_tax._setup_red_letters(integer, text) to artery_admin;
