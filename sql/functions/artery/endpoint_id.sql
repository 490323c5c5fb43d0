create or replace function artery.endpoint_id(p_name text)
returns integer
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_id integer;
begin
    select e.id
    into v_id
    from artery.endpoint as e
    where e.name = p_name;
    if not found then
        raise exception using
            errcode = 'IN041',
            message = format('there is no endpoint %L', p_name),
            detail = (
                select 'There are: ' || coalesce(string_agg(e.name, ', ' order by e.name), 'none') || '.'
                from artery.endpoint as e
            ),
            hint = 'artery endpoint list shows them.';
    end if;
    return v_id;
end
$function$;
comment on function artery.endpoint_id(text) is
'The id of the endpoint of this name. Errors: IN041, which names those that there are';
grant execute on function artery.endpoint_id(text) to artery_reader;
