create or replace view artery_monitor.reject_reasons
with (security_invoker = true)
as
select
    i.table_name,
    r.code,
    r.messages,
    r.oldest,
    r.newest,
    r.sample,
    r.sample_id
from artery_staging.inbox as i
cross join lateral artery_staging._reject_reasons(i.table_name) as r;

comment on view artery_monitor.reject_reasons is
'Rejected messages by inbox and code: how many, since when, and the newest one''s words; a message with two '
'reasons counts for both';
grant select on artery_monitor.reject_reasons to artery_reader;
