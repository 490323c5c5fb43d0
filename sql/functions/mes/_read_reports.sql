/* Quantities are read as text first: numeric takes NaN, and 1e131071 is a number of 131,072 digits.
   A reversal belongs to the order of the report that it takes back. */
create or replace function artery_mes._read_reports(p_ids bigint[])
returns table (
    id bigint,
    source text,
    message_id text,
    body jsonb,
    kind text,
    mo_no text,
    operation_no integer,
    bad_operation boolean,
    scope_operation integer,
    final boolean,
    good numeric,
    scrap numeric,
    rework numeric,
    reported_at timestamptz,
    warehouse_code text,
    lot_no text
)
language plpgsql
stable
rows 500
set search_path = ''
as $function$
declare
    v_quantity constant text := '^[0-9]{1,15}(\.[0-9]{1,8})?$';
begin
    return query
    select
        s.id,
        s.source,
        s.message_id,
        s.body,
        case when k.kind in ('report', 'release', 'reversal') then k.kind end,
        n.mo_no,
        o.operation_no,
        s.body ->> 'operation_no' is not null and o.operation_no is null,
        coalesce(o.operation_no, last.operation_no, 0),
        o.operation_no is null or o.operation_no is not distinct from last.operation_no,
        case when coalesce(s.body ->> 'good', '0') ~ v_quantity then
            coalesce(s.body ->> 'good', '0')::numeric
        end,
        case when coalesce(s.body ->> 'scrap', '0') ~ v_quantity then
            coalesce(s.body ->> 'scrap', '0')::numeric
        end,
        case when coalesce(s.body ->> 'rework', '0') ~ v_quantity then
            coalesce(s.body ->> 'rework', '0')::numeric
        end,
        case when s.body ->> 'reported_at' is null then s.received_at
            else artery_mes._instant(s.body ->> 'reported_at') end,
        coalesce(artery_erp.clean_code(s.body ->> 'warehouse'), mo.receive_warehouse),
        artery_erp.clean_code(s.body ->> 'lot')
    from artery_staging.mes_production_report as s
    cross join lateral (select coalesce(s.body ->> 'kind', 'report') as kind) as k
    left join artery_mes.production_report as r
        on k.kind = 'reversal' and r.report_id = s.body ->> 'reverses' and r.source = s.source
    cross join lateral (
        select coalesce(r.mo_no, artery_erp.clean_code(s.body ->> 'mo_no')) as mo_no
    ) as n
    left join artery_erp.manufacturing_order as mo on mo.mo_no = n.mo_no
    cross join lateral (
        select case when s.body ->> 'operation_no' ~ '^[0-9]{1,9}$' then
            (s.body ->> 'operation_no')::integer
        end as operation_no
    ) as o
    left join lateral (
        select max(p.operation_no) as operation_no
        from artery_erp.manufacturing_order_operation as p
        where p.mo_no = mo.mo_no
    ) as last on true
    where s.id = any(p_ids);
end
$function$;
comment on function artery_mes._read_reports(bigint[]) is
'The messages of these ids with what they say, null where it is not what it should be';
revoke execute on function artery_mes._read_reports(bigint[]) from public;
