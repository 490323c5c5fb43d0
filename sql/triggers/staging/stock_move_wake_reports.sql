/* A report that somebody has in hand is left alone: whoever has it looks at the stock after this,
   or parks it again and it comes by its own time. Waiting for its row here could deadlock. */
create or replace function artery_staging.stock_move_wake_reports()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    update artery_staging.mes_production_report as s
    set due_at = clock_timestamp()
    where
        s.id in (
            select w.id
            from artery_staging.mes_production_report as w
            where
                w.status = 'parked'
                and w.id in (
                    select r.report_id
                    from artery_mes.report_shortage as r
                    inner join arrived as a
                        on a.item_code = r.item_code and a.warehouse_code = r.warehouse_code
                    where a.quantity > 0
                )
            for update skip locked
        );
    return null;
end
$function$;

create or replace trigger stock_move_wake_reports
after insert on artery_erp.stock_move
referencing new table as arrived
for each statement
execute function artery_staging.stock_move_wake_reports();

comment on function artery_staging.stock_move_wake_reports() is
'Makes the reports due at once that wait for stock which has just come in';
