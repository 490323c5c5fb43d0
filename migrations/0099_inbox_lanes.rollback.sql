-- the code of before makes it anew, without the parameter
drop function if exists artery_staging._process(text, integer, timestamptz, integer);
alter table artery_staging.inbox drop column if exists lane;
