/* Posts checked reports of locked orders. What a report takes depends on what those before it took,
   of the same lots and for the same lines: hence a loop, in memory. The database is read before it
   and written after it, in sets.

   A report that does not fit (tolerance, stock) is undone in memory and changes nothing; all that
   it lacks is told at once. Slots and pools number lines and (item, warehouse) within the batch. */
create or replace function artery_mes._backflush(
    p_drafts artery_mes.report_draft[], p_reversals artery_mes.report_draft[]
)
returns artery_mes.report_draft[]
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_rows constant artery_mes.backflush_row[] := array(
        select r from artery_mes._backflush_rows(p_drafts) as r
    );
    v_count constant integer := cardinality(v_rows);
    v_now timestamptz;
    v_draft artery_mes.report_draft;
    v_report artery_mes.production_report;
    v_row artery_mes.backflush_row;
    v_at integer;
    v_main integer;
    v_named integer := 1;
    v_named_by bigint;
    -- orders of the batch are numbered, those of refused reports and reversals too
    v_orders constant integer := coalesce((select max(d.order_no) from unnest(p_drafts) as d), 0);
    v_order_from integer[] := array_fill(1, array[v_orders]);
    v_order_to integer[] := array_fill(0, array[v_orders]);
    -- lots by pool, in the order in which they are taken
    v_lot record;
    v_lots integer := 0;
    v_lot_no text[] := array[]::text[];
    v_lot_quantity numeric[] := array[]::numeric[];
    v_lot_usable boolean[] := array[]::boolean[];
    v_pool_from integer[] := array_fill(1, array[greatest(v_count, 1)]);
    v_pool_to integer[] := array_fill(0, array[greatest(v_count, 1)]);
    v_pool_of jsonb;
    -- what is issued of each line, what is made in each scope
    v_line_mo text[] := array_fill(null::text, array[greatest(v_count, 1)]);
    v_line_no integer[] := array_fill(null::integer, array[greatest(v_count, 1)]);
    v_line_issued numeric[] := array_fill(null::numeric, array[greatest(v_count, 1)]);
    v_scope_good numeric[] := array_fill(null::numeric, array[cardinality(p_drafts)]);
    v_scope_done numeric[] := array_fill(null::numeric, array[cardinality(p_drafts)]);
    -- of the report in hand
    v_good numeric;
    v_done numeric;
    v_open numeric;
    v_want numeric;
    v_take numeric;
    v_covers numeric;
    v_reasons jsonb;
    v_waits boolean;
    v_first integer;
    -- what comes of it; v_move_lot and v_move_line tell of each move which lot and line it changed
    v_n integer := 0;
    v_moves artery_erp.stock_move[] := array[]::artery_erp.stock_move[];
    v_move_lot integer[] := array[]::integer[];
    v_move_line integer[] := array[]::integer[];
    v_posted artery_mes.production_report[] := array[]::artery_mes.production_report[];
    v_drafts artery_mes.report_draft[] := array[]::artery_mes.report_draft[];
begin
    perform artery_mes._lock_stock(p_drafts, v_rows, p_reversals);
    v_now := clock_timestamp();

    for v_i in 1..v_count loop
        v_row := v_rows[v_i];
        v_line_mo[v_row.line_slot] := v_row.mo_no;
        v_line_no[v_row.line_slot] := v_row.line_no;
        v_line_issued[v_row.line_slot] := v_row.issued;
        continue when v_row.rank = 0;
        if v_order_to[v_row.order_no] = 0 then
            v_order_from[v_row.order_no] := v_i;
        end if;
        v_order_to[v_row.order_no] := v_i;
        v_named := v_i + 1;
    end loop;
    v_named_by := (v_rows[v_named]).report_id;

    for v_lot in
        select
            b.pool_no,
            b.lot_no,
            b.quantity,
            b.usable
        from artery_mes._backflush_lots(v_rows, array(select d.report from unnest(p_drafts) as d)) as b
    loop
        v_lots := v_lots + 1;
        if v_pool_to[v_lot.pool_no] = 0 then
            v_pool_from[v_lot.pool_no] := v_lots;
        end if;
        v_pool_to[v_lot.pool_no] := v_lots;
        v_lot_no[v_lots] := v_lot.lot_no;
        v_lot_quantity[v_lots] := v_lot.quantity;
        v_lot_usable[v_lots] := v_lot.usable;
    end loop;
    -- what one report makes the next may take
    select jsonb_object_agg(r.item_code || ' ' || r.warehouse_code, r.pool_no)
    into v_pool_of
    from unnest(v_rows) as r
    where r.item_code in (select (d.report).item_code from unnest(p_drafts) as d);

    foreach v_draft in array p_drafts loop
        v_report := v_draft.report;
        v_good := coalesce(v_scope_good[v_draft.scope_no], v_draft.scope_good, 0) + v_report.good;
        v_done := coalesce(v_scope_done[v_draft.scope_no], v_draft.scope_done, 0)
            + v_report.good + v_report.scrap;
        v_report.posting_id := nextval('artery_erp.stock_posting_id_seq');
        v_report.posted_at := v_now;
        v_first := v_n;
        v_waits := true;
        v_reasons := null;
        if v_report.good > 0 and v_good > v_draft.good_limit then
            v_waits := false;
            v_reasons := artery_mes._over_reason(v_report.mo_no, v_good, v_draft.good_limit);
        end if;

        -- what the report names, then what its order's lines are still short of
        v_at := v_order_from[v_draft.order_no];
        loop
            if v_named_by = v_report.id then
                v_row := v_rows[v_named];
                v_main := v_named;
                v_named := v_named + 1;
                v_named_by := (v_rows[v_named]).report_id;
            else
                exit when v_at > v_order_to[v_draft.order_no];
                v_row := v_rows[v_at];
                v_at := v_at + 1;
                continue when case
                    when v_report.kind = 'release' then v_row.issue_at <> 'release'
                    else (
                        v_report.final
                        or v_row.issue_at <> 'end' and v_row.operation_no <= v_report.operation_no
                    ) is not true
                end;
            end if;
            if v_row.rank = 0 then
                v_open := v_row.quantity;
                v_want := v_open;
            elsif v_row.rank = 1 then
                v_main := v_at - 1;
                v_want := trim_scale(coalesce(v_draft.issue_for, v_done) * v_row.quantity);
                if v_row.whole or v_row.base_quantity <> 1 or scale(v_want) > 8 then
                    v_want := artery_erp.round_up(v_want, v_row.base_quantity, v_row.whole);
                end if;
                v_want := v_want - v_line_issued[v_row.line_slot];
                v_open := v_want;
            elsif v_open > 0 then
                v_want := artery_erp.round_up(v_open * v_row.quantity, 1, v_row.whole);
            end if;
            continue when v_open <= 0;

            for v_i in v_pool_from[v_row.pool_no]..v_pool_to[v_row.pool_no] loop
                continue when v_lot_quantity[v_i] <= 0
                or v_row.rank = 0 and v_lot_no[v_i] <> v_row.lot_no
                or v_row.rank > 0 and not v_lot_usable[v_i];
                v_take := least(v_want, v_lot_quantity[v_i]);
                v_want := v_want - v_take;
                v_covers := case
                    when v_row.rank = 0 then trunc(v_take / v_row.base_quantity, 8)
                    when v_row.rank = 1 then v_take
                    when v_want = 0 then v_open
                    else trunc(v_take / v_row.quantity, 8)
                end;
                v_open := v_open - case v_row.rank when 0 then v_take else v_covers end;
                v_n := v_n + 1;
                v_moves[v_n] := (
                    v_report.posting_id, v_n - v_first, v_row.item_code, v_row.warehouse_code,
                    v_lot_no[v_i], -v_take, v_row.line_no, v_covers, v_now
                )::artery_erp.stock_move;
                v_move_lot[v_n] := v_i;
                v_move_line[v_n] := v_row.line_slot;
                v_lot_quantity[v_i] := v_lot_quantity[v_i] - v_take;
                v_line_issued[v_row.line_slot] := v_line_issued[v_row.line_slot] + v_covers;
                exit when v_want <= 0;
            end loop;
            continue when v_open <= 0 or v_row.rank > 0 and not v_row.last;

            v_row := v_rows[v_main];
            if v_row.policy = 'allow' then
                v_covers := case v_row.rank when 0 then trunc(v_open / v_row.base_quantity, 8) else v_open end;
                v_n := v_n + 1;
                v_moves[v_n] := (
                    v_report.posting_id, v_n - v_first, v_row.item_code, v_row.warehouse_code,
                    coalesce(v_row.lot_no, ''), -v_open, v_row.line_no, v_covers, v_now
                )::artery_erp.stock_move;
                v_move_lot[v_n] := v_pool_from[v_row.pool_no] - 1 + array_position(
                    v_lot_no[v_pool_from[v_row.pool_no]:v_pool_to[v_row.pool_no]], coalesce(v_row.lot_no, '')
                );
                v_move_line[v_n] := v_row.line_slot;
                v_lot_quantity[v_move_lot[v_n]] := v_lot_quantity[v_move_lot[v_n]] - v_open;
                v_line_issued[v_row.line_slot] := v_line_issued[v_row.line_slot] + v_covers;
            else
                v_waits := v_waits and v_row.policy = 'shortage';
                v_reasons := coalesce(v_reasons, '[]') || artery_mes._short_reason(v_row, v_open);
            end if;
        end loop;

        if v_reasons is not null then
            for v_i in v_first + 1..v_n loop
                v_lot_quantity[v_move_lot[v_i]] := v_lot_quantity[v_move_lot[v_i]] - (v_moves[v_i]).quantity;
                v_line_issued[v_move_line[v_i]] := v_line_issued[v_move_line[v_i]] - (v_moves[v_i]).covers;
            end loop;
            v_n := v_first;
            v_draft.parked := v_waits;
            v_draft.reasons := v_reasons;
            v_drafts := array_append(v_drafts, v_draft);
            continue;
        end if;

        v_scope_good[v_draft.scope_no] := v_good;
        v_scope_done[v_draft.scope_no] := v_done;
        v_posted := array_append(v_posted, v_report);
        v_draft.report := v_report;
        v_drafts := array_append(v_drafts, v_draft);
        if v_report.final and v_report.good > 0 then
            -- the whole is rounded, not each part: parts would drift
            v_take := round(v_good * v_draft.stock_numerator / v_draft.stock_denominator, 8) - round(
                (v_good - v_report.good) * v_draft.stock_numerator / v_draft.stock_denominator, 8
            );
            v_n := v_n + 1;
            v_moves[v_n] := (
                v_report.posting_id, v_n - v_first, v_report.item_code, v_report.warehouse_code,
                coalesce(v_report.lot_no, ''), v_take, null, null, v_now
            )::artery_erp.stock_move;
            if v_pool_of ? (v_report.item_code || ' ' || v_report.warehouse_code) then
                for v_i in
                    v_pool_from[(v_pool_of ->> (v_report.item_code || ' ' || v_report.warehouse_code))::integer]
                    ..v_pool_to[(v_pool_of ->> (v_report.item_code || ' ' || v_report.warehouse_code))::integer]
                loop
                    if v_lot_no[v_i] = coalesce(v_report.lot_no, '') then
                        v_lot_quantity[v_i] := v_lot_quantity[v_i] + v_take;
                    end if;
                end loop;
            end if;
        end if;
    end loop;

    perform artery_mes._write_reports(v_posted, v_moves[:v_n], v_line_mo, v_line_no, v_line_issued);
    return v_drafts;
end
$function$;
comment on function artery_mes._backflush(artery_mes.report_draft[], artery_mes.report_draft[]) is
'Posts checked reports in the order of their ids, each whole or not at all; gives them back, posted '
'or with the reasons why they do not fit. p_reversals: what they will touch is locked too';
revoke execute on function artery_mes._backflush(
    artery_mes.report_draft[], artery_mes.report_draft[]
) from public;
