-- Lines of artery_monitor.attention(), which runs as the one who looks
create or replace function artery_monitor._partition_attention()
returns table (severity text, subject text, found text, mend text, code text, params jsonb)
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
select
    case when h.days_left < 2 then 'critical' else 'warning' end as severity,
    h.parent as subject,
    format('partitions reach %s days ahead', h.days_left) as found,
    'The step create_partitions makes them: see artery_monitor.sweep_status.' as mend,
    'partitions' as code,
    jsonb_build_object('days', h.days_left) as params
from artery_monitor.partition_horizon as h
-- the first tick makes the first ones; that none has run is a line of its own
where h.days_left < greatest(h.days_ahead / 2, 1)
union all
select
    case when r.days_behind >= 7 then 'critical' else 'warning' end,
    r.parent,
    format(
        '%s partitions (%s) are past their age and still there, the oldest of %s%s', r.waiting,
        pg_size_pretty(r.waiting_bytes), r.waiting_from, ': ' || r.problem
    ),
    case
        when r.archive_before_drop then 'They wait for `artery archive run`: does it run daily, and what does it say?'
        when r.problem is not null then 'The sweep tries again every minute: see artery_monitor.archive_status.'
        else 'The step drop_partitions drops them: see artery_monitor.sweep_status.'
    end,
    case
        when r.archive_before_drop then 'partitions_wait'
        when r.problem is not null then 'partitions_problem'
        else 'partitions_stay'
    end,
    jsonb_build_object(
        'count', r.waiting, 'size', pg_size_pretty(r.waiting_bytes), 'day', r.waiting_from, 'problem', r.problem
    )
from artery_monitor.archive_status as r
where r.days_behind >= 1
union all
select
    'warning',
    r.parent,
    format('%s partitions are detached and in no file, since %s', r.unfinished, date_trunc('second', r.unfinished_since)),
    'An `artery archive run` did not end: run it again. Until then no query of the table sees these rows.',
    'partitions_detached',
    jsonb_build_object('count', r.unfinished, 'since', r.unfinished_since)
from artery_monitor.archive_status as r
where r.unfinished_since < statement_timestamp() - interval '1 day'
$function$;
comment on function artery_monitor._partition_attention() is
'Partitioned tables that need attention: days ahead running out, partitions past their age and still there, archives '
'begun and not ended';
grant execute on function artery_monitor._partition_attention() to artery_reader;
