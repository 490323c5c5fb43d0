create or replace function artery_procurement.pull_due(p_until timestamptz, p_server text)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_got constant jsonb := artery_procurement.pull_asn(p_server);
begin
    -- the next batch in a transaction of its own, at once
    update artery.sweep_step as s
    set next_run_at = case
        when (v_got ->> 'more')::boolean and clock_timestamp() < p_until then '-infinity'
        else clock_timestamp() + s.every
    end
    where s.name = 'pull_asn_' || p_server;
    return coalesce((v_got ->> 'taken')::bigint, 0::bigint);
end
$function$;
comment on function artery_procurement.pull_due(timestamptz, text) is
'Sweep step: artery_procurement.pull_asn, until there is no more';
grant execute on function artery_procurement.pull_due(timestamptz, text) to artery_admin;
