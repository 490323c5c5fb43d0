create or replace function artery_erp.check_release(
    p_mo_no text, p_item_code text, p_unit text, p_at timestamptz, p_revision text
)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_code text;
    v_details text;
    v_message text;
    v_hint text;
begin
    select
        min(p.code),
        string_agg(format('%s: %s', p.code, p.problem), '; ' order by p.code, p.problem)
    into v_code, v_details
    from artery_erp.release_problems(p_item_code, p_unit, p_at, p_revision) as p;
    if v_code is null then
        return;
    end if;

    select
        k.message,
        k.hint
    into v_message, v_hint
    from (values
        (
            'IN101', 'no usable BOM',
            'Release a revision of the BOM that is effective at the planned start, or move the start.'
        ),
        ('IN102', 'unit conversion missing', 'Add the conversions to artery_erp.unit_conversion.'),
        ('IN104', 'draft item in its structure', 'Complete the items and set their status to released.'),
        ('IN105', 'its BOM contains itself', 'Correct the BOM so that no item is its own component.')
    ) as k (code, message, hint)
    where k.code = v_code;

    raise exception using
        errcode = v_code,
        message = format('manufacturing order %s cannot be released: %s', p_mo_no, v_message),
        detail = v_details || '.',
        hint = v_hint;
end
$function$;

comment on function artery_erp.check_release(text, text, text, timestamptz, text) is
'Raises unless an order can be released: the SQLSTATE of the first kind of problem (IN101, IN102, IN104, '
'IN105), all problems of all kinds in the detail';
revoke execute on function artery_erp.check_release(text, text, text, timestamptz, text)
    from public;
