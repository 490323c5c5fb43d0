/* After the processor: dates what it decided, so that no processor needs to, and lets none of its
   rows stay undecided. A processor that sets processed_at itself saves the second write. */
create or replace function artery_staging._settle(p_table text, p_ids bigint[])
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    -- @plpgsql_check_options: security_warnings = off
    -- the names of tables are checked where they are registered
    execute format(
        $sql$
        update %s as s
        set
            status = case s.status when 'new' then 'rejected' else s.status end,
            attempts = s.attempts + 1,
            processed_at = case when s.status <> 'parked' then clock_timestamp() end,
            due_at = case
                when s.status = 'parked' and s.due_at <= clock_timestamp()
                    then clock_timestamp() + least(2 ^ least(s.attempts, 20), 3600) * interval '1 second'
                else s.due_at
            end,
            reasons = case
                when s.status = 'processed' then null
                when s.status <> 'parked' and (s.status = 'new' or s.reasons is null) then jsonb_build_array(
                    artery._reason(
                        'IN016', 'its processor left the message undecided, or gave no reason',
                        'This is a fault of the processor, not of the message: report it, then reprocess.'
                    )
                )
                else s.reasons
            end
        where
            s.id = any($1)
            and (
                s.processed_at is null and s.status <> 'parked'
                or s.status = 'parked' and s.due_at <= clock_timestamp()
                or s.status = 'rejected' and s.reasons is null
            )
        $sql$,
        p_table
    ) using p_ids;
end
$function$;
comment on function artery_staging._settle(text, bigint[]) is
'Dates what a processor decided; rejects what it left undecided (IN016), puts off what it parked';
