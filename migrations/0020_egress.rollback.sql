alter table if exists artery.endpoint
drop column if exists tls_timeout,
drop column if exists first_byte_timeout;
drop table if exists artery.egress_rule;
