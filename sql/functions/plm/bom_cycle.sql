create or replace function artery_plm.lock_structure()
returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
as $function$
select pg_advisory_xact_lock(hashtextextended('artery.bom_structure', 0))
$function$;
comment on function artery_plm.lock_structure() is
'Until the end of the transaction nobody else changes structures: two changes, each without a cycle, could close one '
'together. Take it before reading, in READ COMMITTED';
revoke execute on function artery_plm.lock_structure() from public;

/* Looks where a cycle through one of the items could be: at what lies both above them and below
   them, which is little or nothing. Edges that lead to an end, or come from a beginning, are
   peeled off; what stays turns in circles, at some time or at none: an edge holds while it is in
   force and an edge below it is (a fixpoint of time ranges). A revision that a line asks for by
   name is taken to hold at all times. */
create or replace function artery_plm.bom_cycle(p_items text[])
returns table (path text, at timestamptz)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set jit = off
as $function$
declare
    v_key bigint := -pg_backend_pid()::bigint;
    v_walk text[];
    v_bound text[];
    v_upwards boolean;
    v_next text;
    v_at timestamptz;
begin
    -- what lies on a circle lies above and below: whichever is small bounds the other
    v_bound := array(select a.code from artery_plm._items_above(p_items) as a (code) limit 2001);
    v_upwards := cardinality(v_bound) > 2000;
    if v_upwards then
        v_bound := array(select b.code from artery_plm._items_below(p_items) as b (code) limit 2001);
        if cardinality(v_bound) > 2000 then
            v_bound := array(select a.code from artery_plm._items_above(p_items) as a (code));
            v_upwards := false;
        end if;
    end if;
    v_bound := case
        when v_upwards then array(select a.code from artery_plm._items_above(p_items, v_bound) as a (code))
        else array(select b.code from artery_plm._items_below(p_items, v_bound) as b (code))
    end;

    insert into artery_plm.bom_import_edge (message, parent, child, holds)
    select
        v_key,
        b.item_code,
        l.component_code,
        range_agg(l.effectivity * case
            when exists (
                select from artery_erp.bom_line as f
                where f.component_code = b.item_code and f.component_revision = b.revision
            ) then '(,)'
            else b.effectivity
        end)
    from unnest(v_bound) as a (item_code)
    inner join artery_erp.bom as b on b.item_code = a.item_code and b.status = 'released'
    inner join artery_erp.bom_line as l on l.bom_id = b.id
    inner join unnest(v_bound) as c (item_code) on c.item_code = l.component_code
    group by b.item_code, l.component_code;

    loop
        delete from artery_plm.bom_import_edge as e
        where
            e.message = v_key
            and (
                not exists (
                    select from artery_plm.bom_import_edge as n where n.message = v_key and n.parent = e.child
                )
                or not exists (
                    select from artery_plm.bom_import_edge as n where n.message = v_key and n.child = e.parent
                )
            );
        exit when not found;
    end loop;
    loop
        update artery_plm.bom_import_edge as e
        set holds = e.holds * n.below
        from (
            select
                c.parent,
                range_agg(c.holds) as below
            from artery_plm.bom_import_edge as c
            where c.message = v_key
            group by c.parent
        ) as n
        where e.message = v_key and n.parent = e.child and e.holds * n.below <> e.holds;
        exit when not found;
    end loop;

    select
        array[e.parent::text],
        coalesce(lower(e.holds), upper(e.holds) - interval '1 microsecond', now())
    into v_walk, v_at
    from artery_plm.bom_import_edge as e
    where e.message = v_key and not isempty(e.holds)
    order by e.parent
    limit 1;
    while v_walk is not null loop
        select e.child
        into v_next
        from artery_plm.bom_import_edge as e
        where e.message = v_key and e.parent = v_walk[cardinality(v_walk)] and e.holds @> v_at
        order by e.child
        limit 1;
        if v_next = any(v_walk) then
            path := array_to_string(v_walk[array_position(v_walk, v_next):] || v_next, ' > ');
            at := v_at;
            return next;
            exit;
        end if;
        v_walk := v_walk || v_next;
    end loop;
    delete from artery_plm.bom_import_edge as e
    where e.message = v_key;
end
$function$;
comment on function artery_plm.bom_cycle(text[]) is
'A cycle in the released structures that one of the items is part of, and a moment at which it is closed; no row = '
'there is none. Hold artery_plm.lock_structure() to rely on it';
revoke execute on function artery_plm.bom_cycle(text[]) from public;
