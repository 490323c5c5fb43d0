/* Run by a login that may be artery_owner, as is everything of `artery archive run`. Detaching
   without stopping the readers is a statement that can be in no transaction: it is given back for
   the caller to run by itself. It waits for every transaction that may still see the partition, and
   cannot be had beside a DEFAULT partition. */
create or replace function artery.begin_archive(p_partition text)
returns table (id bigint, statement text)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $function$
declare
    v_old record;
    v_id bigint;
    v_plain boolean;
begin
    select a.id
    into v_id
    from artery.partition_archive as a
    where a.partition = p_partition and a.status <> 'dropped';
    select
        o.parent,
        o.day,
        o.detaching
    into v_old
    from artery._old_partitions() as o
    where o.partition = p_partition;
    if not found and v_id is null then
        raise exception using
            errcode = 'IN071',
            message = format('%s is no partition past its age', p_partition),
            detail = 'artery.partitioning.keep says how old the partitions of a table become.',
            hint = 'artery archive list shows what can be archived.';
    end if;
    if v_id is null then
        insert into artery.partition_archive (parent, partition, day)
        values (v_old.parent, p_partition, v_old.day)
        returning partition_archive.id into v_id;
    end if;
    v_plain := exists (
        select from pg_catalog.pg_partitioned_table as t
        where t.partrelid = to_regclass(v_old.parent) and t.partdefid <> 0::oid
    );
    return query select
        v_id,
        case
            when v_old.detaching then format('alter table %s detach partition %s finalize', v_old.parent, p_partition)
            when v_plain then format('alter table %s detach partition %s', v_old.parent, p_partition)
            when v_old.parent is not null then format('alter table %s detach partition %s concurrently', v_old.parent, p_partition)
        end;
end
$function$;
comment on function artery.begin_archive(text) is
'Notes that a partition past its age is being archived, and gives the statement that detaches it, to be run outside '
'a transaction; null = it is detached. Errors: IN071 no such partition';
grant execute on function artery.begin_archive(text) to artery_owner;
