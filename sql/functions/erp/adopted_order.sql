/* The one place that reads an order of the site's view. As jsonb, so that columns which the
   contract leaves to the site may be missing or null, which is the same; numeric stays exact. */
create or replace function artery_erp.adopted_order(p_mo_no text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $function$
declare
    v_view constant text := artery_erp.adopted('production_order');
    v_order jsonb;
begin
    -- @plpgsql_check_options: security_warnings = off, performance_warnings = off
    -- the name was made by artery_erp.adopt, quoted
    if v_view is null then
        return null;
    end if;
    execute format(
        $sql$
        select (
            select jsonb_object_agg(f.key, f.value)
            from jsonb_each(to_jsonb(o)) as f
            where f.value <> 'null'
        )
        from %s as o
        where o.mo_no = $1
        $sql$,
        v_view
    )
    into v_order
    using p_mo_no;
    return v_order;
end
$function$;
comment on function artery_erp.adopted_order(text) is
'An order as the adopted ERP''s view has it now; null = it has none of that number, or no view is adopted';
revoke execute on function artery_erp.adopted_order(text) from public;
