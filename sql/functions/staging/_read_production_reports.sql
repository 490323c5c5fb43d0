/* Quantities are read as text first: numeric takes NaN, and 1e131071 is a number of 131,072 digits.
   A reversal belongs to the order of the report that it takes back. */
create or replace function artery_staging._read_production_reports(p_ids bigint[])
returns setof artery_mes.report_message
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
        m.id,
        m.source,
        m.message_id,
        m.kind,
        case when m.kind = 'reversal' then (
            select r.mo_no
            from artery_mes.production_report as r
            where r.report_id = m.body ->> 'reverses' and r.source = m.source
        ) else artery_erp.clean_code(m.body ->> 'mo_no') end,
        artery_erp.clean_code(m.body ->> 'item'),
        case when m.operation ~ '^[0-9]{1,9}$' then m.operation::integer end,
        case when m.good ~ v_quantity then m.good::numeric end,
        case when m.scrap ~ v_quantity then m.scrap::numeric end,
        case when m.rework ~ v_quantity then m.rework::numeric end,
        left(m.body ->> 'reason', 200),
        artery_erp.clean_code(m.body ->> 'warehouse'),
        artery_erp.clean_code(m.body ->> 'lot'),
        m.reported_at,
        m.body ->> 'reverses',
        m.body -> 'components',
        array_remove(array[
            case when jsonb_typeof(m.body) <> 'object' then 'body' end,
            case when m.kind not in ('report', 'release', 'reversal') then 'kind' end,
            case when m.kind <> 'reversal' and m.body ->> 'mo_no' is null then 'mo_no' end,
            case when m.kind = 'reversal' and m.body ->> 'reverses' is null then 'reverses' end,
            case when m.operation !~ '^[0-9]{1,9}$' then 'operation_no' end,
            case when m.good !~ v_quantity then 'good' end,
            case when m.scrap !~ v_quantity then 'scrap' end,
            case when m.rework !~ v_quantity then 'rework' end,
            case when m.reported_at is null then 'reported_at' end
        ], null)
    from (
        select
            s.id,
            s.source,
            s.message_id,
            s.body,
            coalesce(s.body ->> 'kind', 'report') as kind,
            s.body ->> 'operation_no' as operation,
            coalesce(s.body ->> 'good', '0') as good,
            coalesce(s.body ->> 'scrap', '0') as scrap,
            coalesce(s.body ->> 'rework', '0') as rework,
            case when s.body ->> 'reported_at' is null then s.received_at
                else artery_mes._instant(s.body ->> 'reported_at') end as reported_at
        from artery_staging.mes_production_report as s
        where s.id = any(p_ids)
    ) as m
    order by m.id;
end
$function$;
comment on function artery_staging._read_production_reports(bigint[]) is
'The messages of these ids with what they say, in the order of their ids';
revoke execute on function artery_staging._read_production_reports(bigint[]) from public;
