/* The trigger on the ERP's tables. It writes a small row and does not look at the adopted view:
   that view can neither slow the ERP down nor make its transactions fail. An update that moves a
   row from one order to another touches both. */
create or replace function artery_staging.erp_order_changed()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    -- @plpgsql_check_options: security_warnings = off
    -- the expression is code by design, that of an administrator
    execute format(
        $sql$
        insert into artery_staging.erp_order_event (body)
        select jsonb_build_object('mo_no', t.mo_no, 'table', $3)
        from (
            select (%1$s)::text as mo_no from (select ($1).*) as new
            union
            select (%1$s)::text from (select ($2).*) as new
        ) as t
        where t.mo_no is not null
        $sql$,
        tg_argv[0]
    )
    using
        case when tg_op = 'DELETE' then old else new end,
        case when tg_op = 'INSERT' then new else old end,
        format('%I.%I', tg_table_schema, tg_table_name);
    return null;
end
$function$;
comment on function artery_staging.erp_order_changed() is
'Trigger of tables bound by artery_staging.bind_orders: notes which order was touched';
grant execute on function artery_staging.erp_order_changed() to artery_admin;

-- Invoker: only who may put a trigger on the table can bind it
create or replace function artery_staging.bind_orders(
    p_table regclass, p_mo_no text default 'new.mo_no'
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    -- @plpgsql_check_options: security_warnings = off
    -- p_table is a regclass; the expression is an administrator's code
    execute format('select artery._try_binding(null::%s, null, $1, $2, null)', p_table)
    using 'null', p_mo_no;
    perform artery_staging.unbind_orders(p_table);
    execute format(
        'create trigger artery_orders after insert or update or delete on %s '
        'for each row execute function artery_staging.erp_order_changed(%L)',
        p_table, p_mo_no
    );
end
$function$;
comment on function artery_staging.bind_orders(regclass, text) is
'Has an adopted ERP''s orders looked at whenever a row of this table changes. p_mo_no: expression over new (the row) that '
'gives the order''s number, or null where the row is about none; it runs as artery_owner. Errors: IN013 it cannot run';
revoke execute on function artery_staging.bind_orders(regclass, text) from public;
grant execute on function artery_staging.bind_orders(regclass, text) to artery_admin;

create or replace function artery_staging.unbind_orders(p_table regclass)
returns boolean
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    -- @plpgsql_check_options: security_warnings = off, performance_warnings = off
    -- p_table is a regclass; what is dynamic writes
    if not exists (
        select
        from pg_catalog.pg_trigger as t
        where t.tgrelid = p_table and t.tgfoid = 'artery_staging.erp_order_changed'::regproc
    ) then
        return false;
    end if;
    execute format('drop trigger artery_orders on %s', p_table);
    return true;
end
$function$;
comment on function artery_staging.unbind_orders(regclass) is
'Undoes artery_staging.bind_orders; returns whether the table was bound';
revoke execute on function artery_staging.unbind_orders(regclass) from public;
grant execute on function artery_staging.unbind_orders(regclass) to artery_admin;
