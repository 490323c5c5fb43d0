create or replace function artery._refuse_archived_write()
returns trigger
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    raise exception using
        errcode = 'IN073',
        message = format('%I.%I is being archived: it takes no writes', tg_table_schema, tg_table_name),
        detail = 'It is detached, and is dropped as soon as its file was read back.',
        hint = 'Write to the table that it was a partition of.';
end
$function$;
comment on function artery._refuse_archived_write() is
'Trigger of a detached partition: what is written between its digest and its end would be lost';

-- After it nothing can be written to the partition: the digest taken here holds to the end
create or replace function artery.seal_partition(p_id bigint)
returns table (
    partition text, parent text, day date, row_count bigint, digest text, columns jsonb, key text,
    first_at timestamptz, last_at timestamptz, copy_out text, scratch text
)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_archive record;
    v_table regclass;
    v_columns jsonb;
    v_names text;
    v_key text;
    v_first timestamptz;
    v_last timestamptz;
    v_digest record;
begin
    -- @plpgsql_check_options: security_warnings = off
    -- names went through %I
    select a.*
    into v_archive
    from artery.partition_archive as a
    where a.id = p_id and a.status = 'begun'
    for update;
    v_table := to_regclass(v_archive.partition);
    if v_table is null or exists (select from pg_catalog.pg_class as c where c.oid = v_table and c.relispartition) then
        raise exception using
            errcode = 'IN071',
            message = format('no partition was detached for archive %s', p_id),
            detail = format('Partition: %s.', coalesce(v_archive.partition, 'none')),
            hint = 'artery archive run takes it up again.';
    end if;
    if not exists (select from pg_catalog.pg_trigger as t where t.tgrelid = v_table and t.tgname = 'sealed') then
        execute format(
            'create trigger sealed before insert or update or delete or truncate on %s '
            'for each statement execute function artery._refuse_archived_write()',
            v_archive.partition
        );
    end if;
    select
        jsonb_agg(jsonb_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod)) order by a.attnum),
        string_agg(quote_ident(a.attname), ', ' order by a.attnum)
    into v_columns, v_names
    from pg_catalog.pg_attribute as a
    where a.attrelid = v_table and a.attnum > 0 and not a.attisdropped;
    select a.attname::text
    into v_key
    from pg_catalog.pg_partitioned_table as t
    inner join pg_catalog.pg_attribute as a on a.attrelid = t.partrelid and a.attnum = t.partattrs[0]
    where t.partrelid = to_regclass(v_archive.parent);
    execute format('select min(%1$I), max(%1$I) from %2$s', v_key, v_archive.partition) into v_first, v_last;
    select
        d.row_count,
        d.low || ':' || d.high as sums
    into v_digest
    from artery.rows_digest(v_table) as d;
    update artery.partition_archive as a
    set
        row_count = v_digest.row_count,
        digest = v_digest.sums
    where a.id = p_id;
    return query select
        v_archive.partition,
        v_archive.parent,
        v_archive.day,
        v_digest.row_count,
        v_digest.sums,
        v_columns,
        v_key,
        v_first,
        v_last,
        format('copy (select %s from %s) to stdout (format csv, encoding ''UTF8'')', v_names, v_archive.partition),
        format('create temporary table artery_scratch as select %s from %s limit 0', v_names, v_archive.partition);
end
$function$;
comment on function artery.seal_partition(bigint) is
'Lets nothing more be written to a detached partition, counts and digests it, and says how to copy it out. Errors: '
'IN071 it is not detached';
grant execute on function artery.seal_partition(bigint) to artery_owner;
