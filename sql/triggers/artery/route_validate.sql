create or replace function artery._check_function(
    p_name text, p_argument text, p_result text, p_where text
)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_function regprocedure := case
        when p_name ~ '^[a-z_][a-z0-9_$]*\.[a-z_][a-z0-9_$]*(\([][a-z, ]*\))?$'
            then to_regprocedure(split_part(p_name, '(', 1) || '(' || p_argument || ')')
    end;
begin
    if v_function is null or not exists (
        select from pg_catalog.pg_proc as p
        where p.oid = v_function and p.prorettype = p_result::regtype and p.prokind = 'f'
    ) then
        raise exception using
            errcode = 'IN009',
            message = format('%s: there is no function %s(%s) returning %s', p_where, split_part(p_name, '(', 1), p_argument, p_result),
            detail = format('Given: %L.', p_name),
            hint = format('Create it first, name it with its schema: my_schema.my_function(%s).', p_argument);
    end if;
end
$function$;
comment on function artery._check_function(text, text, text, text) is
'Raises IN009 unless a function of this name, argument and result exists';
grant execute on function artery._check_function(text, text, text, text) to artery_admin;

create or replace function artery.route_validate()
returns trigger
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    if new.reply_handler is not null then
        perform artery._check_function(new.reply_handler, 'jsonb', 'void', format('reply_handler of route %L', new.topic));
    end if;
    new.download_bytes := case when new.download is not null then coalesce(new.download_bytes, 268435456) end;
    new.updated_at := clock_timestamp();
    return new;
end
$function$;
comment on function artery.route_validate() is
'Refuses a reply handler that is no function(jsonb) returning void (IN009)';

create or replace trigger route_validate
before insert or update on artery.route
for each row
execute function artery.route_validate();
comment on trigger route_validate on artery.route is
'Refuses a reply handler that could not be called';
