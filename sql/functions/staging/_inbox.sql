create or replace function artery_staging._inbox(p_table text)
returns table (table_name text, processor text, batch_size integer, partner_columns text[])
language plpgsql
stable
rows 1
set search_path = pg_catalog, pg_temp
as $function$
begin
    return query
    select
        i.table_name,
        i.processor,
        i.batch_size,
        i.partner_columns
    from artery_staging.inbox as i
    where i.table_name = p_table;
    if not found then
        raise exception using
            errcode = 'IN017',
            message = format('there is no inbox %s', coalesce(p_table, '(null)')),
            detail = format('Known: %s.', coalesce((
                select string_agg(i.table_name, ', ' order by i.table_name)
                from artery_staging.inbox as i
            ), 'none')),
            hint = 'Name it with its schema: artery_staging.plm_bom.';
    end if;
end
$function$;
comment on function artery_staging._inbox(text) is 'An inbox''s row; raises IN017 if there is none';
