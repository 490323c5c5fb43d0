set local role artery_owner;

-- what waits goes on as rows
insert into artery_staging.iot_sensor_reading
select r.* -- noqa: AM04
from artery_staging.iot_reading_batch as b
cross join lateral unnest(b.readings) as r;
drop table if exists artery_staging.iot_reading_batch;
