create or replace function artery_staging._conflict()
returns jsonb
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $function$
select artery._reason(
    'IN015', 'another message of this source has the same message_id and another body',
    'Send the same bytes to repeat a message; what has changed needs a message_id of its own.'
)
$function$;
comment on function artery_staging._conflict() is 'The reason of a message whose id was used before';

create or replace function artery_staging._corrected(p_id bigint)
returns jsonb
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $function$
select artery._reason(
    'IN015', format('this message came before and was corrected here: see message %s', p_id),
    'Nothing is left to do. To change it once more, send it with a message_id of its own.'
)
$function$;
comment on function artery_staging._corrected(bigint) is 'The reason of the original of a corrected message, sent again';

create or replace function artery_staging._was(p_body_hash bigint)
returns jsonb
language sql
immutable
parallel safe
as $function$
select ('[{"body_hash": ' || p_body_hash::text || '}]')::jsonb
$function$;
comment on function artery_staging._was(bigint) is 'What the history of a message contains whose body had this hash';

/* A message is in conflict with one of its id that came before it or was decided before it. Both
   rows stay. Two that are decided at the same moment meet in the unique index
   <table>_accepted_key, where the second fails and is rejected for the same reason.
   offset 0 has each message looked up by its key; a join would read the whole table for a batch. */
create or replace function artery_staging._reject_conflicts(p_table text, p_ids bigint[])
returns bigint[]
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_left bigint[];
begin
    -- @plpgsql_check_options: security_warnings = off, performance_warnings = off
    -- the names of tables are checked where they are registered; what is dynamic writes
    execute format(
        $sql$
        with rejected as (
            update %1$s as s
            set
                status = 'rejected',
                processed_at = clock_timestamp(),
                attempts = s.attempts + 1,
                reasons = jsonb_build_array(coalesce(
                    (
                        select artery_staging._corrected(c.id)
                        from %1$s as c
                        where
                            c.source = s.source
                            and c.message_id = s.message_id
                            and c.history @> artery_staging._was(s.body_hash)
                        limit 1
                    ),
                    artery_staging._conflict()
                ))
            where
                s.id = any($1)
                and exists (
                    select from %1$s as o
                    where
                        o.source = s.source
                        and o.message_id = s.message_id
                        and o.body_hash <> s.body_hash
                        and (o.id < s.id or o.status <> 'new')
                        and not coalesce(o.reasons @> '[{"code": "IN015"}]', false)
                    offset 0
                )
            returning s.id
        )

        select array_agg(i.id order by i.position)
        from unnest($1) with ordinality as i (id, position)
        where i.id not in (select r.id from rejected as r)
        $sql$,
        p_table
    )
    into v_left
    using p_ids;
    return v_left;
end
$function$;
comment on function artery_staging._reject_conflicts(text, bigint[]) is
'Rejects those of the rows whose message_id was used for another body (IN015), gives the others';
