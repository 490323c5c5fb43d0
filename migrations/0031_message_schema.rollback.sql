drop table if exists artery_staging.message_schema;
