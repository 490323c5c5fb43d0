/* One message, in a subtransaction that is undone if there is any reason to: so items, revisions
   and lines can be stored first and judged as they stand, by one code path. */
create or replace function artery_staging._import_bom(
    p_message bigint, p_source text, p_body text, out reasons jsonb, out result jsonb
)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_inclusive boolean;
    v_drafts text[];
    v_analyze boolean;
    v_grouped jsonb;
    v_cycles jsonb;
begin
    select r.reasons, r.inclusive
    into reasons, v_inclusive
    from artery_staging._read_bom(p_message, p_source, p_body) as r;
    v_analyze := (select count(*) > 1000 from artery_plm.bom_import_row as r where r.message = p_message);
    if v_analyze then
        analyze artery_plm.bom_import_row;
    end if;
    v_grouped := artery_plm._group_bom_rows(p_message);
    reasons := reasons || v_grouped;
    select reasons || coalesce(jsonb_agg(artery_plm._explain_bom_problem(p.code, p.path, p.given) order by p.seq, p.path), '[]')
    into reasons
    from (
        select x.*
        from artery_plm._bom_row_problems(p_message) as x
        -- a line whose parent was not found lacks what it would have from there
        where v_grouped = '[]' or x.given is not null
        limit 1000
    ) as p;

    if reasons = '[]' then
        perform artery_plm.lock_structure();
        v_drafts := artery_plm._store_items(p_message);
        reasons := artery_plm._bom_link_reasons(p_message);
    end if;
    if reasons = '[]' then
        perform artery_plm._match_boms(p_message, v_inclusive);
        select coalesce(jsonb_agg(artery._reason(
            'IN212', format('revision %s of %s is there with other lines', r.revision, r.item),
            'This source may not change a revision: send another, or an engineering change.', r.path
        ) order by r.seq), '[]')
        into reasons
        from artery_plm.bom_import_row as r
        inner join artery_plm.bom_source as s on s.source = p_source and s.on_change = 'reject'
        where r.message = p_message and r.kind = 'bom' and r.action = 'updated';
    end if;
    if reasons = '[]' then
        reasons := artery_plm._store_boms(p_message, v_inclusive);
    end if;
    if reasons = '[]' then
        select jsonb_agg(artery._reason(
            'IN209', format('the structure would contain itself: %s', c.path),
            format('It does at %s. No item may be its own component, at any level.', c.at)
        ))
        into v_cycles
        from artery_plm.bom_cycle(array(
            select r.item from artery_plm.bom_import_row as r
            where r.message = p_message and r.kind = 'bom' and r.action <> 'unchanged'
        )) as c;
        reasons := coalesce(v_cycles, '[]');
    end if;
    if reasons <> '[]' then
        -- caught below: takes back what was stored
        raise exception using
            errcode = 'IN202',
            message = 'rejected',
            detail = reasons::text,
            hint = 'The reasons say what to do.';
    end if;

    select jsonb_build_object(
        'boms', count(*),
        'created', count(*) filter (where r.action = 'created'),
        'updated', count(*) filter (where r.action = 'updated'),
        'unchanged', count(*) filter (where r.action = 'unchanged'),
        'lines', (select count(*) from artery_plm.bom_import_row as l where l.message = p_message and l.kind = 'line'),
        'draft_items', cardinality(v_drafts),
        'drafts', v_drafts[:1000],
        'changes', coalesce((
            select jsonb_agg(jsonb_build_object('item', c.item, 'revision', c.revision, 'action', c.action) || coalesce(
                case when c.action = 'updated' then jsonb_build_object('diff', c.more) end, '{}'
            ) order by c.seq)
            from (
                select x.*
                from artery_plm.bom_import_row as x
                where x.message = p_message and x.kind = 'bom' and x.action <> 'unchanged'
                order by x.seq
                limit 1000
            ) as c
        ), '[]')
    )
    into result
    from artery_plm.bom_import_row as r
    where r.message = p_message and r.kind = 'bom';
    delete from artery_plm.bom_import_row as r
    where r.message = p_message;
exception when sqlstate 'IN202' then
    result := null;
end
$function$;
comment on function artery_staging._import_bom(bigint, text, text) is
'Imports one message; reasons, all of them, or else the result';
