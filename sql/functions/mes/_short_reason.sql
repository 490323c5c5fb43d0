create or replace function artery_mes._short_reason(
    p_row artery_mes.backflush_row, p_missing numeric
)
returns jsonb
language sql
immutable
set search_path = pg_catalog, pg_temp
as $function$
select artery._reason(
    'IN107',
    format(
        'line %s: %s of item %s are missing in %s%s', p_row.line_no, trim_scale(p_missing),
        p_row.item_code, p_row.warehouse_code, ', lot ' || nullif(p_row.lot_no, '')
    ),
    'Receive or transfer stock to there; a report that waits is posted then.',
    '/components'
) || jsonb_build_object(
    'item', p_row.item_code, 'warehouse', p_row.warehouse_code, 'missing', trim_scale(p_missing)
)
$function$;
comment on function artery_mes._short_reason(artery_mes.backflush_row, numeric) is
'The reason of a report for one of its rows that is not there';
revoke execute on function artery_mes._short_reason(artery_mes.backflush_row, numeric) from public;
