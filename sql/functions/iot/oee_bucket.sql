-- One statement, not pinned, so that it is inlined
create or replace function artery_iot.oee_bucket(p_at timestamptz)
returns timestamptz
language sql
immutable
strict
parallel safe
as $function$
select date_bin('5 minutes', p_at, '2000-01-01 00:00:00+00')
$function$;

comment on function artery_iot.oee_bucket(timestamptz) is
'The five minutes that a moment falls in: their start. Counts and measures are summed in these';
grant execute on function artery_iot.oee_bucket(timestamptz) to artery_reader;
