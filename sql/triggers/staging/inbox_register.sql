create or replace function artery_staging.inbox_register()
returns trigger
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_missing text;
begin
    select string_agg(c.name, ', ')
    into v_missing
    from unnest(array[
        'id', 'source', 'message_id', 'body', 'body_hash', 'status', 'received_at', 'received_by', 'attempts',
        'due_at', 'processed_at', 'result', 'reasons', 'history'
    ] || new.partner_columns) as c (name)
    where not exists (
        select from pg_catalog.pg_attribute as a
        where
            a.attrelid = case when new.table_name ~ '^[a-z0-9_]+\.[a-z0-9_]+$' then to_regclass(new.table_name) end
            and a.attname = c.name
            and not a.attisdropped
    );
    if v_missing is not null then
        raise exception using
            errcode = 'IN014',
            message = format('%s cannot be an inbox', new.table_name),
            detail = format('Not there: %s.', v_missing),
            hint = 'docs/staging.md has the columns of a staging table.';
    end if;
    perform artery._check_function(
        new.processor, 'bigint[]', 'void', format('processor of inbox %s', new.table_name)
    );
    if new.lane is not null then
        perform artery._check_function(new.lane, 'jsonb', 'integer', format('lane of inbox %s', new.table_name));
    end if;

    -- one for each lane, so that two sessions that tick can do one each
    insert into artery.sweep_step as s (name, function, argument, every, position)
    select
        n.name,
        'artery_staging.process_due',
        new.table_name,
        new.every,
        50
    from (values
        ('inbox_' || split_part(new.table_name, '.', 2), true),
        ('inbox2_' || split_part(new.table_name, '.', 2), new.lane is not null)
    ) as n (name, needed)
    where n.needed
    on conflict (name) do update
    set every = excluded.every
    where s.every <> excluded.every;
    return new;
end
$function$;
comment on function artery_staging.inbox_register() is
'Refuses what cannot be an inbox (IN014), a processor or a lane (IN009), and makes the inbox''s sweep steps';

create or replace trigger inbox_register
before insert or update of table_name, processor, every, partner_columns, lane
on artery_staging.inbox
for each row
execute function artery_staging.inbox_register();
comment on trigger inbox_register on artery_staging.inbox is
'Checks an inbox and makes its sweep steps';
