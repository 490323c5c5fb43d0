-- What nobody has heard of yet becomes a draft item, as in an imported BOM
create or replace function artery_plm._store_eco(
    p_body jsonb, p_source text, p_eco_no text, p_effectivity jsonb, p_at timestamptz
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    insert into artery_erp.item (code, name)
    select
        l.component_code,
        max(l.component_name)
    from artery_plm._ecn_lines(p_body -> 'boms') as l
    where l.component_code is not null and l.action <> 'remove'
    group by l.component_code
    order by l.component_code
    on conflict do nothing;

    -- a draft that is sent again
    delete from artery_erp.engineering_change_order as e
    where e.eco_no = p_eco_no;
    insert into artery_erp.engineering_change_order (
        eco_no, source, title, reason, mandatory, effectivity, effective_at, effective_mo_no, requested_by
    ) values (
        p_eco_no,
        p_source,
        p_body ->> 'title',
        p_body ->> 'reason',
        coalesce((p_body ->> 'mandatory')::boolean, false),
        p_effectivity ->> 'kind',
        case when p_effectivity ->> 'kind' <> 'now' then p_at end,
        case when p_effectivity ->> 'kind' = 'mo' then p_effectivity ->> 'mo_no' end,
        p_body ->> 'requested_by'
    );

    insert into artery_erp.engineering_change_bom (
        eco_no, item_code, base_bom_id, base_content, new_revision
    )
    select
        p_eco_no,
        b.item_code,
        b.id,
        artery_plm._bom_content(b.id),
        coalesce(x.body ->> 'new_revision', artery_plm._next_revision(b.item_code, b.revision))
    from jsonb_array_elements(p_body -> 'boms') as x (body)
    inner join artery_erp.bom as b
        on
            b.item_code = artery_erp.clean_code(x.body ->> 'item')
            and b.revision = x.body ->> 'base_revision';

    insert into artery_erp.engineering_change_line (
        eco_no, item_code, line_no, position, action, component_code, change
    )
    select
        p_eco_no,
        l.item_code,
        l.line_no,
        l.line_position,
        l.action,
        coalesce(o.component_code, l.component_code),
        l.change
    from artery_plm._ecn_lines(p_body -> 'boms') as l
    inner join artery_erp.engineering_change_bom as c
        on c.eco_no = p_eco_no and c.item_code = l.item_code
    left join artery_erp.bom_line as o on o.bom_id = c.base_bom_id and o.line_no = l.line_no;
end
$function$;
comment on function artery_plm._store_eco(jsonb, text, text, jsonb, timestamptz) is
'Writes a checked ECN as a draft ECO; unknown components become draft items';
revoke execute on function artery_plm._store_eco(jsonb, text, text, jsonb, timestamptz) from public;
