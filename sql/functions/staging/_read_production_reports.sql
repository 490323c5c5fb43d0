/* Quantities are read as text first: numeric takes NaN, and 1e131071 is a number of 131,072 digits.
   A reversal belongs to the order of the report that it takes back. */
create or replace function artery_staging._read_production_reports(p_ids bigint[])
returns setof artery_mes.report_message
language plpgsql
stable
rows 500
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_quantity constant text := '^[0-9]{1,15}(\.[0-9]{1,8})?$';
begin
    return query
    select
        m.id,
        m.source,
        m.message_id,
        m.kind,
        case when m.kind = 'reversal' then (
            select r.mo_no
            from artery_mes.production_report as r
            where r.report_id = m.reverses and r.source = m.source
        ) else artery_erp.clean_code(m.mo_no) end,
        artery_erp.clean_code(m.item),
        case when m.operation ~ '^[0-9]{1,9}$' then m.operation::integer end,
        m.good,
        m.scrap,
        m.rework,
        left(m.reason, 200),
        artery_erp.clean_code(m.warehouse),
        artery_erp.clean_code(m.lot),
        m.reported_at,
        m.reverses,
        nullif(m.body -> 'components', 'null'),
        array_remove(array[
            case when jsonb_typeof(m.body) <> 'object' then 'body' end,
            case when m.kind not in ('report', 'release', 'reversal') then 'kind' end,
            case when m.kind <> 'reversal' and m.mo_no is null then 'mo_no' end,
            case when m.kind = 'reversal' and m.reverses is null then 'reverses' end,
            case when m.operation !~ '^[0-9]{1,9}$' then 'operation_no' end,
            case when m.good is null then 'good' end,
            case when m.scrap is null then 'scrap' end,
            case when m.rework is null then 'rework' end,
            case when m.reported_at is null then 'reported_at' end
        ], null)
    from (
        select
            s.id,
            s.source,
            s.message_id,
            s.body,
            coalesce(f.kind, 'report') as kind,
            f.mo_no,
            f.item,
            f.operation_no as operation,
            case when f.good is null then 0 when f.good ~ v_quantity then f.good::numeric end as good,
            case when f.scrap is null then 0 when f.scrap ~ v_quantity then f.scrap::numeric end as scrap,
            case when f.rework is null then 0 when f.rework ~ v_quantity then f.rework::numeric end as rework,
            f.reason,
            f.warehouse,
            f.lot,
            case when f.reported_at is null then s.received_at
                else artery_mes._instant(f.reported_at) end as reported_at,
            f.reverses
        from artery_staging.mes_production_report as s
        cross join lateral jsonb_to_record(
            case when jsonb_typeof(s.body) = 'object' then s.body else '{}' end
        ) as f (
            kind text,
            mo_no text,
            item text,
            operation_no text,
            good text,
            scrap text,
            rework text,
            reason text,
            warehouse text,
            lot text,
            reported_at text,
            reverses text
        )
        where s.id = any(p_ids)
        -- each of these is looked at several times, and worked out once
        offset 0
    ) as m
    order by m.id;
end
$function$;
comment on function artery_staging._read_production_reports(bigint[]) is
'The messages of these ids with what they say, in the order of their ids';
revoke execute on function artery_staging._read_production_reports(bigint[]) from public;
