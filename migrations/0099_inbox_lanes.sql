set local role artery_owner;

alter table artery_staging.inbox add column if not exists lane text;
comment on column artery_staging.inbox.lane is
'schema.function(jsonb) returns integer: by its answer for the body, odd or even, a message goes in one of two lanes. '
'Each is processed in order, and two sweeps do one each at the same time. null = one lane: all in order';
grant update (lane) on artery_staging.inbox to artery_admin;

-- it gets a parameter: the code makes it anew
-- squawk-ignore ban-drop-function -- internal, replaced by the code that is loaded next
drop function if exists artery_staging._process(text, integer, timestamptz);
