create or replace function artery.saga_step_validate()
returns trigger
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_column text;
begin
    if tg_op <> 'DELETE' then
        foreach v_column in array array['function', 'undo_function', 'query_function'] loop
            if to_jsonb(new) ->> v_column is not null then
                perform artery._check_function(
                    to_jsonb(new) ->> v_column, 'jsonb', 'jsonb', format('%s of step %L', v_column, new.name)
                );
            end if;
        end loop;
    end if;
    update artery.saga_definition as d
    set
        version = d.version + 1,
        updated_at = clock_timestamp()
    where d.name = case tg_op when 'DELETE' then old.saga else new.saga end;
    return null;
end
$function$;
comment on function artery.saga_step_validate() is
'Refuses a function that is no function(jsonb) returning jsonb (IN009); raises the version of the definition';

create or replace trigger saga_step_validate
after insert or update or delete on artery.saga_step
for each row
execute function artery.saga_step_validate();
comment on trigger saga_step_validate on artery.saga_step is
'Refuses a function that could not be called; raises the version of the definition';
