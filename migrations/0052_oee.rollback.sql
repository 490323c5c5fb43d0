delete from artery.sweep_step
where name in ('sensor_readings', 'oee_roll_up', 'rejected_readings');
drop table if exists artery_iot.oee_stale;
drop table if exists artery_iot.oee_shift;
drop table if exists artery_iot.sequence_event;
drop table if exists artery_iot.measure_summary;
drop table if exists artery_iot.production;
drop table if exists artery_iot.device_state;
