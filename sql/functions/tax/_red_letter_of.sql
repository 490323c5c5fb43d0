create or replace function artery_tax._red_letter_of(p_part jsonb)
returns artery_tax.red_letter
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_letter artery_tax.red_letter;
begin
    select r.* into v_letter
    from artery_tax.red_letter as r
    where r.order_no = p_part #>> '{context,red_order_no}'
        or not p_part -> 'context' ? 'red_order_no' and r.saga_id = (p_part ->> 'saga')::bigint
        and r.original_order_no = p_part #>> '{context,order_no}' and r.status <> 'released'
    order by r.requested_at desc
    limit 1;
    return v_letter;
end
$function$;
comment on function artery_tax._red_letter_of(jsonb) is
'The red letter that a saga''s part is about: by its own number, or as what undoes an invoice of that saga; null = there is none yet';
