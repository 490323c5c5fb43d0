revoke usage on schema artery_iot from artery_app;
delete from artery.partitioning
where parent in ('artery_iot.sensor_reading', 'artery_iot.message');
drop table if exists artery_iot.message;
drop table if exists artery_iot.sensor_reading;
drop table if exists artery_staging.iot_rejected_reading;
drop table if exists artery_staging.iot_cursor;
drop table if exists artery_staging.iot_sensor_reading;
drop table if exists artery_iot.device_metric;
drop table if exists artery_iot.device;
drop table if exists artery_iot.setting;
revoke usage on schema artery_iot from artery_app;
