set local role artery_owner;

create table artery.egress_rule (
    endpoint text not null,
    network inet not null,
    first_port integer not null,
    last_port integer not null,
    note text,
    added_at timestamptz not null default clock_timestamp(),
    added_by text not null default session_user,
    primary key (endpoint, network, first_port),
    constraint egress_rule_endpoint_fkey foreign key (endpoint)
    references artery.endpoint (name) on update cascade on delete cascade
);
comment on table artery.egress_rule is
'The addresses and ports that an endpoint may reach. Without a row it reaches public addresses '
'only; with rows, what they name and nothing else, its token server and proxy included';
comment on column artery.egress_rule.network is
'An address or a network: 10.20.3.4, 10.20.0.0/16, fd12:3456::/32';
comment on column artery.egress_rule.last_port is 'As first_port where it is not given';
comment on column artery.egress_rule.note is 'Why it is open, and for whom: a ticket, a person';

alter table artery.endpoint
add column tls_timeout interval not null default '5 seconds'
constraint endpoint_tls_timeout_check
check (tls_timeout between interval '10 milliseconds' and interval '5 minutes'),
add column first_byte_timeout interval
constraint endpoint_first_byte_timeout_check
check (first_byte_timeout between interval '10 milliseconds' and interval '10 minutes');
comment on column artery.endpoint.tls_timeout is
'For the TLS handshake, from the TCP connection on; connect_timeout is for what comes before it';
comment on column artery.endpoint.first_byte_timeout is
'From sending the request to the answer''s first byte; null = whatever total_timeout leaves';

-- comes back with another row type
-- squawk-ignore ban-drop-function
drop function if exists artery.endpoint_config(integer[]);

grant select on artery.egress_rule to artery_reader;
grant select, insert, update, delete on artery.egress_rule to artery_admin;
