set local role artery_owner;

-- one function may serve several steps
alter table artery.sweep_step add column argument text;
comment on column artery.sweep_step.argument is
'Handed to the function as a second argument, of type text; null = it takes the one alone';
comment on column artery.sweep_step.function is
'schema.function(timestamptz) or, with an argument, (timestamptz, text), returns bigint: works in '
'batches until that moment, gives the number of things done';

/* A staging table has these columns, and what else its domain wants (docs/staging.md):
   id, source, message_id, body, body_hash, status, received_at, received_by, attempts, due_at,
   processed_at, result, reasons, history. */
create table artery_staging.inbox (
    table_name text primary key,
    processor text not null,
    batch_size integer not null default 100,
    every interval not null default '1 second',
    partner_columns text[] not null default '{message_id,body}',
    enabled boolean not null default true,
    created_at timestamptz not null default now(),
    constraint inbox_table_name_check check (
        table_name ~ '^[a-z_][a-z0-9_]{0,62}\.[a-z_][a-z0-9_]{0,55}$'
    ),
    constraint inbox_batch_size_check check (batch_size between 1 and 100000),
    constraint inbox_every_check check (every > interval '0')
);
comment on table artery_staging.inbox is
'Staging tables and the functions that process their rows; a sweep step for each';
comment on column artery_staging.inbox.processor is
'schema.function(bigint[]) returns void: settles rows that are locked for it, all of them';
comment on column artery_staging.inbox.batch_size is 'Rows handed to the processor in one call';
comment on column artery_staging.inbox.partner_columns is
'What a partner fills in; source only where it was allowed to name another than itself';

grant usage on schema artery_staging to artery_reader, artery_operator, artery_admin;
grant select on artery_staging.inbox to artery_reader;
grant update (batch_size, every, enabled) on artery_staging.inbox to artery_admin;
