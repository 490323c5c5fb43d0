-- Exact: no quotient is ever rounded on the way. Inlined into its callers: hence no search_path.
create or replace function artery_erp.round_up(
    p_numerator numeric, p_denominator numeric, p_whole boolean
)
returns numeric
language sql
immutable
parallel safe
as $function$
select case
    when p_whole then
        div(p_numerator, p_denominator)
        + case when mod(p_numerator, p_denominator) > 0 then 1 else 0 end
    else trim_scale(0.00000001 * (
        div(100000000 * p_numerator, p_denominator)
        + case when mod(100000000 * p_numerator, p_denominator) > 0 then 1 else 0 end
    ))
end
$function$;

comment on function artery_erp.round_up(numeric, numeric, boolean) is
'p_numerator / p_denominator (both positive) rounded up: to a whole number, or else at 8 places';
grant execute on function artery_erp.round_up(numeric, numeric, boolean)
    to artery_app, artery_reader;
