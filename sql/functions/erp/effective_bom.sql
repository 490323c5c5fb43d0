-- Inlined into its callers: hence no search_path.
create or replace function artery_erp.effective_bom(
    p_item_code text, p_at timestamptz default now(), p_revision text default null
)
returns setof artery_erp.bom
language sql
stable
parallel safe
rows 1
as $function$
select b.*
from artery_erp.bom as b
where
    b.item_code = p_item_code
    and b.status = 'released'
    and case when p_revision is null then b.effectivity @> p_at else b.revision = p_revision end
$function$;

comment on function artery_erp.effective_bom(text, timestamptz, text) is
'The released revision of an item''s BOM that is effective at p_at, or the one named by p_revision '
'whatever its dates; no row where there is none';
grant execute on function artery_erp.effective_bom(text, timestamptz, text)
    to artery_app, artery_reader;
