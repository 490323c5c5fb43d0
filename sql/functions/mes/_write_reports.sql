create or replace function artery_mes._write_reports(
    p_reports artery_mes.production_report[],
    p_moves artery_erp.stock_move[],
    p_line_mo text[],
    p_line_no integer[],
    p_line_issued numeric[]
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    insert into artery_erp.stock_posting (
        id, kind, document_type, document_id, effective_at, posted_at
    ) overriding system value
    select
        r.posting_id,
        'production',
        'manufacturing_order',
        r.mo_no,
        r.reported_at,
        r.posted_at
    from unnest(p_reports) as r;
    perform artery_erp._apply_moves(p_moves);
    insert into artery_mes.production_report
    select r.*
    from unnest(p_reports) as r;

    update artery_erp.manufacturing_order_line as l
    set issued = trim_scale(n.issued)
    from unnest(p_line_mo, p_line_no, p_line_issued) as n (mo_no, line_no, issued)
    where l.mo_no = n.mo_no and l.line_no = n.line_no and l.issued <> n.issued;
    perform artery_mes._count_progress(p_reports);
end
$function$;
comment on function artery_mes._write_reports(
    artery_mes.production_report[], artery_erp.stock_move[], text[], integer[], numeric[]
) is
'Writes what was worked out: postings, moves, balances, reports, lines, progress';
revoke execute on function artery_mes._write_reports(
    artery_mes.production_report[], artery_erp.stock_move[], text[], integer[], numeric[]
) from public;
