create or replace function artery_mes._over_reason(p_mo_no text, p_good numeric, p_limit numeric)
returns jsonb
language sql
immutable
set search_path = pg_catalog, pg_temp
as $function$
select jsonb_build_array(artery._reason(
    'IN308',
    format(
        'order %s: with this report %s are good, %s are allowed', p_mo_no, trim_scale(p_good),
        trim_scale(p_limit)
    ),
    'Raise the quantity of the order, or its overproduction_rate.', '/good'
))
$function$;
comment on function artery_mes._over_reason(text, numeric, numeric) is
'Reasons of a report with which an order would have more good ones than it may';
revoke execute on function artery_mes._over_reason(text, numeric, numeric) from public;
