create or replace function artery.sweep_step_validate()
returns trigger
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    perform artery._check_function(
        new.function,
        case when new.argument is null then 'timestamptz' else 'timestamptz, text' end,
        'bigint',
        format('function of sweep step %L', new.name)
    );
    return new;
end
$function$;
comment on function artery.sweep_step_validate() is
'Refuses a step that is no function(timestamptz), or (timestamptz, text) with an argument, returning bigint (IN009)';

create or replace trigger sweep_step_validate
before insert or update of function, argument on artery.sweep_step
for each row
execute function artery.sweep_step_validate();
comment on trigger sweep_step_validate on artery.sweep_step is
'Refuses a step that could not be called';
