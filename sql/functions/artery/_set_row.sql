/* Settings by name, as people give them on a command line: for tables whose rows are settings.
   Invoker: who may change the table may do it this way. */
create or replace function artery._set_row(
    p_table regclass,
    p_key text,
    p_name text,
    p_settings jsonb,
    p_new boolean
)
returns table (setting text, was text, becomes text)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    -- kept by triggers, or no setting
    c_fixed constant text[] := array['id', 'version', 'updated_at', p_key];
    v_settable text[];
    v_setting record;
    v_problems text[] := array[]::text[];
    v_text text;
    v_was jsonb := '{}'::jsonb;
    v_becomes jsonb;
begin
    -- @plpgsql_check_options: security_warnings = off, extra_warnings = off, performance_warnings = off
    -- names come from the catalog, values are parameters
    select array_agg(a.attname::text order by a.attname)
    into v_settable
    from pg_catalog.pg_attribute as a
    where a.attrelid = p_table and a.attnum > 0 and not a.attisdropped;

    -- all that is wrong at once, hence one by one
    for v_setting in select s.key as name, s.value from jsonb_each(p_settings) as s order by s.key
    loop
        if not v_setting.name = any(v_settable) or v_setting.name = any(c_fixed) then
            v_problems := v_problems || format('there is no setting %s', v_setting.name);
            continue;
        end if;
        begin
            execute format('select jsonb_populate_record(null::%s, $1)::text', p_table) into v_text
                using jsonb_build_object(v_setting.name, v_setting.value);
        exception
            when data_exception or syntax_error then
                v_problems := v_problems || format('%s: %s', v_setting.name, sqlerrm);
        end;
    end loop;
    if not p_new and p_settings = '{}' then
        v_problems := array['none is given'];
    end if;
    if cardinality(v_problems) > 0 then
        raise exception using
            errcode = 'IN014',
            message = format('%s %L: settings that cannot be', split_part(p_table::text, '.', 2), p_name),
            detail = array_to_string(v_problems, '; ') || '.',
            hint = format(
                'Settings are: %s.',
                (select string_agg(replace(n.name, 'endpoint_id', 'endpoint'), ', ' order by n.name) from unnest(v_settable) as n (name) where not n.name = any(c_fixed))
            );
    end if;

    begin
        if p_new then
            execute format(
                'insert into %1$s as t (%2$I%3$s) select $1%4$s from jsonb_populate_record(null::%1$s, $2) as r returning to_jsonb(t)',
                p_table,
                p_key,
                (select string_agg(format(', %I', k.name), '' order by k.name) from jsonb_object_keys(p_settings) as k (name)),
                (select string_agg(format(', r.%I', k.name), '' order by k.name) from jsonb_object_keys(p_settings) as k (name))
            ) into v_becomes using p_name, p_settings;
        else
            execute format('select to_jsonb(t) from %s as t where t.%I = $1 for update', p_table, p_key)
                into v_was using p_name;
            execute format(
                'update %1$s as t set %3$s from jsonb_populate_record(null::%1$s, $2) as r where t.%2$I = $1 returning to_jsonb(t)',
                p_table,
                p_key,
                (select string_agg(format('%1$I = r.%1$I', k.name), ', ' order by k.name) from jsonb_object_keys(p_settings) as k (name))
            ) into v_becomes using p_name, p_settings;
        end if;
    exception
        when check_violation then
            get stacked diagnostics v_text = constraint_name;
            raise exception using
                errcode = 'check_violation',
                message = format('%s %L: a setting is out of its bounds', split_part(p_table::text, '.', 2), p_name),
                detail = format(
                    '%s: %s', v_text,
                    (
                        select pg_catalog.pg_get_constraintdef(c.oid)
                        from pg_catalog.pg_constraint as c
                        where c.conrelid = p_table and c.conname = v_text
                    )
                ),
                hint = 'Nothing was changed.';
        when unique_violation then
            raise exception using
                errcode = 'unique_violation',
                message = format('%s %L exists', split_part(p_table::text, '.', 2), p_name),
                detail = 'Nothing was changed.',
                hint = 'Change it with set, or choose another name.';
    end;

    return query
    select b.key, v_was ->> b.key, b.value #>> '{}'
    from jsonb_each(v_becomes) as b
    where
        not b.key = any(c_fixed)
        and (v_was -> b.key) is distinct from b.value
        and (not p_new or p_settings ? b.key)
    order by b.key;
end
$function$;
comment on function artery._set_row(regclass, text, text, jsonb, boolean) is
'Sets columns of the row whose key has that name, or makes it; gives what changed by it, side effects too. Errors: IN014, '
'all wrong settings at once; 23514; 23505';
grant execute on function artery._set_row(regclass, text, text, jsonb, boolean) to artery_admin;
