create or replace function artery_erp.stock_append_only()
returns trigger
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    raise exception using
        errcode = 'IN108',
        message = 'posted stock is never changed',
        detail = format('%s on %s.%s.', tg_op, tg_table_schema, tg_table_name),
        hint = 'Take a posting back with artery_erp.reverse_posting, or post the difference.';
end
$function$;

create or replace trigger stock_append_only
before update or delete or truncate on artery_erp.stock_move
for each statement
execute function artery_erp.stock_append_only();

create or replace trigger stock_append_only
before update or delete or truncate on artery_erp.stock_posting
for each statement
execute function artery_erp.stock_append_only();

create or replace trigger stock_append_only
before delete or truncate on artery_erp.stock_balance
for each statement
execute function artery_erp.stock_append_only();

comment on function artery_erp.stock_append_only() is
'Refuses to change or delete what is posted (IN108), whoever asks; a balance is never deleted';
