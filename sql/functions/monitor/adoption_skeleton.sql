create or replace function artery_monitor.adoption_skeleton()
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
select format(
    $skeleton$-- What pg_artery asks of an ERP of your own. Fill in what stands in <>, run it as the owner of your tables.
create schema erp_link;

-- One row for each production order. Leave out optional columns that your ERP knows nothing of.
create view erp_link.production_order as
select
%s
from <your table of production orders> as o;
grant usage on schema erp_link to artery_owner;
grant select on erp_link.production_order to artery_owner;

-- Posts one report. p_report is what was sent, with these always there: source, report_id, try, mo_no, good, scrap,
-- rework, reported_at, final (it is about what is finished), total {good, scrap, rework} (of the order, this one
-- included). It is called in the transaction that takes the report: what it writes stands with it, or falls with it.
create function erp_link.post_report(p_report jsonb) returns jsonb
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    -- insert into <your table> …;
    -- raise exception 'why not';  refuses the report: rejected, with this as its reason
    -- return null;                not yet: your ERP has it in hand. It is called again with the same report
    return jsonb_build_object('booking', <what it became in your ERP>);
end
$$;
revoke execute on function erp_link.post_report from public;
grant execute on function erp_link.post_report to artery_owner;

-- Every table that the view reads and that says something of an order; new is its row.
select artery_staging.bind_orders('<your table of production orders>', 'new.<its number>');

-- Then: artery adopt production_order=erp_link.production_order production_report=erp_link.post_report
$skeleton$,
    (
        select string_agg(
            format(
                '    <%s> as %s%s  -- %s%s',
                c.type, c.name, case when c.place < c.last then ',' else '' end,
                case when c.required then '' else 'optional: ' end, c.meaning
            ),
            E'\n' order by c.place
        )
        from (
            select
                x.*,
                max(x.place) over () as last
            from artery_erp.adoption_contract() as x
            where x.part = 'production_order'
        ) as c
    )
)
$function$;
comment on function artery_monitor.adoption_skeleton() is
'The SQL by which a site offers its own ERP, to fill in; artery adopt --print';
grant execute on function artery_monitor.adoption_skeleton() to artery_reader;
