create or replace function artery_tax.request_drafts(p_limit integer default 1000)
returns bigint
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
select count(artery_tax.request_invoice(d.order_no))
from (
    select v.order_no
    from artery_erp.ar_invoice as v
    where v.status = 'draft' and v.kind = 'blue'
    order by v.created_at, v.order_no
    limit p_limit
    for update skip locked
) as d
$function$;

comment on function artery_tax.request_drafts(integer) is
'Asks the gateway for what waited while none was set up; gives how many. Errors: as artery_tax.request_invoice';
grant execute on function artery_tax.request_drafts(integer) to artery_app, artery_operator;
