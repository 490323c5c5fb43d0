set local role artery_owner;

-- small: artery_iot.setting, one row
-- TimescaleDB's own policies run as the owner of the table, which may not log in: the sweep does it
alter table artery_iot.setting
add column hypertable_compress_after interval
constraint setting_hypertable_compress_after_check check (
    hypertable_compress_after >= interval '1 hour'
);
comment on column artery_iot.setting.hypertable_compress_after is
'Age at which days of readings are compressed; null = they are in daily partitions, not in a hypertable';
comment on column artery_iot.setting.hypertable_keep is
'How long a hypertable keeps readings; null = for ever. Set by artery_iot.use_timescaledb()';
