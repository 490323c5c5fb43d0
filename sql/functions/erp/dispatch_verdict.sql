-- Shared by all that tell another system of a document, version by version, and hear its verdict
create or replace function artery_erp.dispatch_verdict(
    p_reply jsonb, p_key text, p_number text, p_version integer,
    out status text, out reason text, out misdirected boolean
)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_body jsonb := case jsonb_typeof(p_reply -> 'body') when 'object' then p_reply -> 'body' else '{}' end;
    v_status_code text := p_reply ->> 'status_code';
begin
    misdirected := coalesce(
        p_reply ->> 'outcome' = 'sent'
        and (v_body ->> p_key <> p_number or v_body ->> 'version' <> p_version::text),
        false
    );
    status := case
        when p_reply ->> 'outcome' <> 'sent' then
            case when v_status_code like '4__' then 'refused' else 'undelivered' end
        when misdirected then 'refused'
        when v_body ->> 'status' in ('acknowledged', 'refused') then v_body ->> 'status'
        else 'sent'
    end;
    reason := case
        when misdirected then
            format('the answer is about %s, version %s', v_body ->> p_key, v_body ->> 'version')
        when status in ('refused', 'undelivered') then coalesce(
            v_body ->> 'reason', v_body ->> 'detail', v_body ->> 'title',
            p_reply -> 'error' ->> 'message', 'HTTP ' || v_status_code, 'no answer'
        )
        when status = 'sent' and v_body ? 'status' then
            format('unknown verdict %s', v_body -> 'status')
    end;
end
$function$;
comment on function artery_erp.dispatch_verdict(jsonb, text, text, integer) is
'What a reply {"<p_key>", "version", "status": "acknowledged" | "refused", "reason"} to a dispatched document comes to: '
'acknowledged, refused (a 4xx is), sent = taken without a verdict, undelivered = given up. misdirected: it is about '
'another document or version';
revoke execute on function artery_erp.dispatch_verdict(jsonb, text, text, integer) from public;
