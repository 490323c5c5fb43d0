create or replace function artery.finish_archive(p_id bigint, p_manifest jsonb, p_file text)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_archive record;
begin
    select a.*
    into v_archive
    from artery.partition_archive as a
    where a.id = p_id and a.status = 'begun'
    for update;
    if
        v_archive.digest is null
        or (p_manifest ->> 'rows')::bigint is distinct from v_archive.row_count
        or p_manifest ->> 'digest' is distinct from v_archive.digest
    then
        raise exception using
            errcode = 'IN072',
            message = format('the file does not hold the rows of %s', coalesce(v_archive.partition, 'the partition')),
            detail = format(
                'Partition: %s rows, digest %s. Read back from the file: %s rows, digest %s.', v_archive.row_count,
                v_archive.digest, p_manifest ->> 'rows', p_manifest ->> 'digest'
            ),
            hint = 'Nothing was dropped. Look at the disk that the file is on, then artery archive run again.';
    end if;
    update artery.partition_archive as a
    set
        status = 'verified',
        verified_at = clock_timestamp(),
        file = p_file,
        sha256 = p_manifest ->> 'sha256',
        bytes = (p_manifest ->> 'bytes')::bigint,
        manifest = p_manifest
    where a.id = p_id;
end
$function$;
comment on function artery.finish_archive(bigint, jsonb, text) is
'Takes down what was read back from the file p_file; only what is equal to the partition lets it be dropped. Errors: '
'IN072 it is not';
grant execute on function artery.finish_archive(bigint, jsonb, text) to artery_owner;
