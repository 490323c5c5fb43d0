create or replace function artery_tax.gateway_profile_validate()
returns trigger
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_path record;
begin
    perform artery._check_function(
        new.payload_function, 'text', 'jsonb', format('payload_function of gateway profile %L', new.name)
    );
    perform artery._check_function(
        new.reply_function, 'jsonb,text', 'jsonb', format('reply_function of gateway profile %L', new.name)
    );
    for v_path in
        select
            a.key,
            a.value
        from jsonb_each_text(new.answer) as a
        where a.key <> 'statuses'
    -- a cast raises at the first, so each one is tried by itself
    loop
        begin
            perform v_path.value::jsonpath;
        exception when syntax_error or data_exception then
            raise exception using
                errcode = 'IN014',
                message = format('gateway profile %L: answer has a path that is none', new.name),
                detail = format('%s: %s', v_path.key, v_path.value),
                hint = 'An SQL/JSON path, such as $.data.invoiceNo';
        end;
    end loop;
    return new;
end
$function$;

create or replace trigger gateway_profile_validate
before insert or update on artery_tax.gateway_profile
for each row
execute function artery_tax.gateway_profile_validate();

comment on function artery_tax.gateway_profile_validate() is
'Refuses functions that are not there (IN009) and paths that are none (IN014)';
