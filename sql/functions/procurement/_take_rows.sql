/* One row after the other, where the batch as a whole did not go in: the inbox takes what it can,
   the rest is kept with its reason, and the pull goes on. */
create or replace function artery_procurement._take_rows(
    p_cloud artery_procurement.cloud_server, p_rows text, p_insert text, p_horizon bigint,
    p_limit integer
)
returns table (seen bigint, taken bigint, refused bigint, txid bigint, seq bigint)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    -- @plpgsql_check_options: security_warnings = off
    -- both statements were made by artery_procurement.pull_asn
    v_source text;
    v_message_id text;
    v_body text;
    v_count bigint;
    v_state text;
    v_message text;
begin
    seen := 0;
    taken := 0;
    refused := 0;
    for txid, seq, v_source, v_message_id, v_body in execute p_rows using p_cloud.txid, p_horizon, p_cloud.seq, p_limit loop
        seen := seen + 1;
        begin
            execute p_insert using v_source, v_message_id, v_body;
            get diagnostics v_count = row_count;
            taken := taken + v_count;
        exception when data_exception or integrity_constraint_violation or program_limit_exceeded then
            get stacked diagnostics v_state = returned_sqlstate, v_message = message_text;
            insert into artery_procurement.cloud_refusal as r (
                server, txid, seq, source, message_id, body, sqlstate, message
            )
            values (
                p_cloud.server, _take_rows.txid, _take_rows.seq, v_source, v_message_id, v_body, v_state, v_message
            )
            on conflict on constraint cloud_refusal_pkey do nothing;
            refused := refused + 1;
        end;
    end loop;
    return next;
end
$function$;
comment on function artery_procurement._take_rows(artery_procurement.cloud_server, text, text, bigint, integer) is
'Takes a batch row by row; gives how many there were, were new, were refused, and the last one''s place';
revoke execute on function artery_procurement._take_rows(
    artery_procurement.cloud_server, text, text, bigint, integer
) from public;
