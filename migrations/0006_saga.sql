set local role artery_owner;

create table artery.saga_definition (
    name text primary key,
    version integer not null default 1,
    description text,
    updated_at timestamptz not null default clock_timestamp(),
    constraint saga_definition_name_check check (name ~ '^[a-z][a-z0-9_.-]{0,126}$')
);
comment on table artery.saga_definition is 'A chain of steps that is done whole or undone in reverse; its steps are in artery.saga_step';
comment on column artery.saga_definition.version is 'Rises with each change of a step; a saga keeps the steps it started with';

-- a part of a step (do it, undo it, ask after it) is a pair: with a topic it is a task, and the
-- function builds its request; without one it is the function
create table artery.saga_step (
    saga text not null references artery.saga_definition (name) on delete cascade,
    position smallint not null,
    name text not null,
    topic text references artery.route (topic),
    function text,
    undo_topic text references artery.route (topic),
    undo_function text,
    query_topic text references artery.route (topic),
    query_function text,
    timeout interval,
    primary key (saga, position),
    constraint saga_step_name_key unique (saga, name),
    constraint saga_step_action_check check (num_nonnulls(topic, function) > 0),
    constraint saga_step_query_check check (
        (query_topic is null or topic is not null)
        and (query_function is null or query_topic is not null)
    ),
    constraint saga_step_timeout_check check (
        timeout is null or (timeout > interval '0' and topic is not null)
    )
);
create index saga_step_topic_idx on artery.saga_step (topic);
create index saga_step_undo_topic_idx on artery.saga_step (undo_topic);
create index saga_step_query_topic_idx on artery.saga_step (query_topic);
comment on table artery.saga_step is
'Steps of a saga. Each part is a topic (an outbound task), a function, or both: the function then builds the request';
comment on column artery.saga_step.function is
'schema.function(jsonb) returns jsonb. Gets {"saga", "name", "key", "step", "request_id", "context", "results": {step: result}}. '
'Without a topic it is the step and returns its result; with one it returns {"body", "raw_body", "path_params", "headers", '
'"ordering_key", "document_type", "document_id"}, each optional';
comment on column artery.saga_step.undo_function is
'As function; also gets "undoes" (the step''s Request-ID) and "result" (its answer). Both undo columns null: nothing to undo';
comment on column artery.saga_step.query_topic is
'Asks the receiver, where an outcome is unknown, whether the step took effect: 2xx = yes, 404 or 410 = no, else a person decides';
comment on column artery.saga_step.timeout is
'Of a task: past it, one that surely had no effect is given up and the saga undone; else it is asked after or held. A query '
'has the same time again (10 minutes where there is none), then a person decides';

create table artery.saga (
    id bigint generated always as identity primary key,
    name text not null,
    version integer not null,
    key text,
    context jsonb not null,
    document_type text,
    document_id text,
    status text not null default 'running',
    attention jsonb,
    history jsonb not null default '[]',
    created_at timestamptz not null default clock_timestamp(),
    created_by text not null default session_user,
    ended_at timestamptz,
    constraint saga_key_key unique (name, key),
    constraint saga_status_check check (
        status in ('running', 'compensating', 'complete', 'compensated')
    ),
    constraint saga_ended_check check (
        (ended_at is not null) = (status in ('complete', 'compensated'))
    )
) with (fillfactor = 70);
create index saga_open_idx on artery.saga (id) where ended_at is null;
create index saga_ended_at_idx on artery.saga (ended_at) where ended_at is not null;
create index saga_document_idx on artery.saga (document_id, document_type)
where document_id is not null;
comment on table artery.saga is 'Sagas that were started; locked before its steps by whoever moves it on';
comment on column artery.saga.key is 'The caller''s own key: the same key again gives the first saga';
comment on column artery.saga.attention is 'Why it waits for a person; null = it does not';
comment on column artery.saga.history is 'What happened, oldest first: at, who, event, step, reason, error. Read it in artery.saga_history';

create table artery.saga_step_run (
    saga_id bigint not null references artery.saga (id) on delete cascade,
    position smallint not null,
    name text not null,
    plan jsonb not null,
    status text not null default 'waiting',
    request_id uuid,
    task_id bigint,
    query_task_id bigint,
    undo_task_id bigint,
    compensation jsonb,
    result jsonb,
    error jsonb,
    attempts integer not null default 0,
    due_at timestamptz,
    primary key (saga_id, position),
    constraint saga_step_run_status_check check (status in (
        'waiting', 'running', 'querying', 'unknown', 'done', 'failed',
        'compensating', 'stuck', 'compensated', 'kept'
    ))
) with (fillfactor = 70);
create index saga_step_run_due_at_idx on artery.saga_step_run (due_at) where due_at is not null;
create index saga_step_run_open_idx on artery.saga_step_run (saga_id)
where status in ('running', 'querying', 'unknown', 'compensating', 'stuck');
comment on table artery.saga_step_run is 'The steps of each started saga, with their definition as it was at the start';
comment on column artery.saga_step_run.status is
'waiting -> running -> done, or failed = surely without effect; querying, unknown = outcome not known; '
'compensating -> compensated, or stuck = its undo failed for good; kept = nothing to undo, or accepted by a person';
comment on column artery.saga_step_run.compensation is
'What its undo will get, frozen when the step began; its task carries the same in integration_task.compensation';
comment on column artery.saga_step_run.due_at is 'Its timeout, or the next try of an undo that could not begin';

grant select
on artery.saga_definition, artery.saga_step, artery.saga, artery.saga_step_run
to artery_reader;
grant select, insert, update, delete on artery.saga_definition, artery.saga_step to artery_admin;
