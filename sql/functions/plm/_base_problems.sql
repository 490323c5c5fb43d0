create or replace function artery_plm._bom_content(p_bom_id bigint)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
select md5(concat_ws(
    ' ',
    b.base_quantity,
    b.unit,
    (
        select jsonb_object_agg(d.line_no, d.document)
        from artery_erp.bom_line_documents(b.id) as d
    ),
    (
        select jsonb_agg(to_jsonb(o) order by o.operation_no)
        from artery_erp.bom_operation as o
        where o.bom_id = b.id
    )
))
from artery_erp.bom as b
where b.id = p_bom_id
$function$;
comment on function artery_plm._bom_content(bigint) is
'Hash of what a BOM revision says: another content, another hash';
revoke execute on function artery_plm._bom_content(bigint) from public;

/* The base must be the newest released revision and take effect before the new one does. A base
   that something else has already changed, or replaced, is stale: applied to it, the ECO would
   undo that. */
create or replace function artery_plm._base_problems(
    p_item_code text, p_base_bom_id bigint, p_base_content text, p_at timestamptz
)
returns table (code text, message text, hint text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_base record;
    v_newest record;
begin
    select
        b.revision,
        b.status,
        b.effectivity
    into v_base
    from artery_erp.bom as b
    where b.id = p_base_bom_id;
    select
        b.id,
        b.revision
    into v_newest
    from artery_erp.bom as b
    where b.item_code = p_item_code and b.status = 'released'
    order by lower(b.effectivity) desc nulls last, b.id desc
    limit 1;

    if v_newest.id is distinct from p_base_bom_id then
        return query select
            'IN251',
            format(
                'base revision %s of item %s is stale: %s', v_base.revision, p_item_code,
                coalesce('the newest is ' || v_newest.revision, 'it is not released')
            ),
            'Write the change against the newest released revision.';
    elsif p_base_content <> artery_plm._bom_content(p_base_bom_id) then
        return query select
            'IN251',
            format(
                'base revision %s of item %s is stale: it was changed after the ECO was written',
                v_base.revision, p_item_code
            ),
            'Look at the revision as it is now and write the change again.';
    elsif p_at <= lower(v_base.effectivity) and not lower_inf(v_base.effectivity)
        or p_at >= upper(v_base.effectivity) and not upper_inf(v_base.effectivity) then
        return query select
            'IN252',
            format(
                'at %s base revision %s of item %s is not effective (%s)', p_at, v_base.revision,
                p_item_code, v_base.effectivity
            ),
            'Let the change take effect later than its base begins, and before it ends.';
    end if;
end
$function$;
comment on function artery_plm._base_problems(text, bigint, text, timestamptz) is
'Why a revision cannot be the base of a change that takes effect at p_at: IN251 stale, IN252 not effective then';
revoke execute on function artery_plm._base_problems(text, bigint, text, timestamptz) from public;

create or replace function artery_plm._next_revision(p_item_code text, p_base text)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_next text := p_base;
begin
    -- few steps: only past revisions that are there already
    loop
        v_next := case
            when v_next ~ '^[0-9]{1,9}$' then (v_next::integer + 1)::text
            when v_next ~ '^[A-Ya-y]$' then chr(ascii(v_next) + 1)
            when v_next ~ '\.[0-9]{1,6}$' then
                regexp_replace(v_next, '[0-9]+$', '')
                || (substring(v_next from '[0-9]+$')::integer + 1)::text
            else left(v_next, 25) || '.1'
        end;
        exit when not exists (
            select from artery_erp.bom as b where b.item_code = p_item_code and b.revision = v_next
        );
    end loop;
    return v_next;
end
$function$;
comment on function artery_plm._next_revision(text, text) is
'A free revision after p_base: A -> B, 7 -> 8, R2.1 -> R2.2, else p_base.1';
revoke execute on function artery_plm._next_revision(text, text) from public;
