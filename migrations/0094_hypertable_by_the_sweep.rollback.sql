set local role artery_owner;
alter table artery_iot.setting drop column if exists hypertable_compress_after;
comment on column artery_iot.setting.hypertable_keep is
'How long TimescaleDB keeps readings, where it does; set by artery_iot.use_timescaledb()';
