set local role artery_owner;

create table artery_erp.work_center_rate (
    work_center text primary key,
    hourly_rate numeric not null,
    constraint work_center_rate_hourly_rate_check check (hourly_rate >= 0 and hourly_rate < 1e15)
);
comment on table artery_erp.work_center_rate is
'What an hour of a work center costs. Empty: operations are not costed at all';

create table artery_erp.item_cost (
    item_code text collate "C" primary key references artery_erp.item (code) on delete cascade,
    unit_cost numeric,
    material_cost numeric,
    operation_cost numeric,
    source text not null,
    missing text[] not null default '{}',
    run_id bigint not null,
    as_of timestamptz not null,
    computed_at timestamptz not null default clock_timestamp(),
    constraint item_cost_source_check check (source in ('standard', 'purchase', 'bom')),
    constraint item_cost_missing_check check ((unit_cost is null) = (missing <> '{}'))
);
create index item_cost_missing_idx on artery_erp.item_cost (item_code) where unit_cost is null;
comment on table artery_erp.item_cost is
'What one stock unit of each item costs, as the last roll-up found it (artery_plm.roll_up_costs)';
comment on column artery_erp.item_cost.unit_cost is 'Rounded at 8 places; null = unknown, which is not 0';
comment on column artery_erp.item_cost.source is
'standard = item.standard_cost; purchase = the newest purchase order; bom = rolled up from its components';
comment on column artery_erp.item_cost.missing is 'Why the cost is unknown, each cause once';
comment on column artery_erp.item_cost.run_id is 'The artery_plm.cost_run that computed it';
comment on column artery_erp.item_cost.as_of is 'The day whose structure was costed';

create table artery_plm.cost_policy (
    only_row boolean primary key default true,
    rate_source text not null default 'standard',
    batch_size integer not null default 20000,
    keep_runs interval not null default '90 days',
    constraint cost_policy_only_row_check check (only_row),
    constraint cost_policy_rate_source_check check (rate_source in ('standard', 'purchase')),
    constraint cost_policy_batch_size_check check (batch_size between 1 and 1000000),
    constraint cost_policy_keep_runs_check check (keep_runs > interval '0')
);
comment on table artery_plm.cost_policy is 'How costs are rolled up';
comment on column artery_plm.cost_policy.rate_source is
'Where the cost of what is not made comes from: standard = item.standard_cost; purchase = the newest '
'approved purchase order, else the standard cost';
comment on column artery_plm.cost_policy.batch_size is 'Items costed by one statement';
insert into artery_plm.cost_policy default values;

-- Appended and never updated, so that writers of overlapping structures neither wait for each other
-- nor deadlock. The roll-up deletes the rows it has seen: a change that commits later has its own.
create table artery_plm.cost_signal (
    id bigint generated always as identity primary key,
    item_code text collate "C",
    reason text not null,
    due_at timestamptz not null default now(),
    created_at timestamptz not null default clock_timestamp()
);
create index cost_signal_due_at_idx on artery_plm.cost_signal (due_at, id);
comment on table artery_plm.cost_signal is
'Items whose cost has to be computed again, with what they go into; taken up by the sweep step roll_up_costs';
comment on column artery_plm.cost_signal.item_code is 'null = every item';
comment on column artery_plm.cost_signal.due_at is
'Now, or the day on which a revision or a line begins or ends to be effective';

create table artery_plm.cost_run (
    id bigint generated always as identity primary key,
    scope text not null,
    rate_source text not null,
    as_of timestamptz not null,
    status text not null default 'running',
    started_by text not null default session_user,
    started_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz,
    items integer not null default 0,
    done integer not null default 0,
    missing integer not null default 0,
    skipped integer not null default 0,
    levels integer not null default 0,
    constraint cost_run_scope_check check (scope in ('all', 'items', 'changed')),
    constraint cost_run_rate_source_check check (rate_source in ('standard', 'purchase')),
    constraint cost_run_status_check check (status in ('running', 'done')),
    constraint cost_run_ended_check check ((status = 'done') = (ended_at is not null))
);
create unique index cost_run_one_running_key on artery_plm.cost_run (status)
where status = 'running';
comment on table artery_plm.cost_run is 'Roll-ups of item costs; at most one is running';
comment on column artery_plm.cost_run.scope is
'all items; items that were asked for; changed ones; the last two with whatever they go into';
comment on column artery_plm.cost_run.missing is 'Items whose cost stayed unknown, and why: cost_run_problem';
comment on column artery_plm.cost_run.skipped is 'Items that contain themselves, or something that does';

create table artery_plm.cost_run_item (
    run_id bigint not null references artery_plm.cost_run (id) on delete cascade,
    item_code text collate "C" not null,
    bom_id bigint,
    level integer not null default 0,
    waiting_for integer not null default 0,
    state text not null default 'ready',
    primary key (run_id, item_code),
    constraint cost_run_item_state_check check (state in ('waiting', 'ready', 'done'))
) with (fillfactor = 70);
create index cost_run_item_ready_idx on artery_plm.cost_run_item (run_id, level, item_code)
where state = 'ready';
create index cost_run_item_bom_id_idx on artery_plm.cost_run_item (run_id, bom_id);
comment on table artery_plm.cost_run_item is 'What a running roll-up has done and has yet to do';
comment on column artery_plm.cost_run_item.level is
'Levels of the run''s own items below it: the low-level code, counted from the bottom';
comment on column artery_plm.cost_run_item.waiting_for is 'Lines whose component is still to be costed';

create table artery_plm.cost_run_problem (
    run_id bigint not null references artery_plm.cost_run (id) on delete cascade,
    item_code text collate "C" not null,
    kind text not null,
    problem text not null,
    primary key (run_id, item_code, problem),
    constraint cost_run_problem_kind_check check (kind in ('missing', 'skipped'))
);
comment on table artery_plm.cost_run_problem is 'What a roll-up could not cost, and why';

-- what was there before this migration is costed by the first sweep
insert into artery_plm.cost_signal (reason)
select 'installed'
where exists (select from artery_erp.item);
insert into artery_plm.cost_signal (item_code, reason, due_at)
select
    b.item_code,
    'installed' as reason,
    d.due_at
from artery_erp.bom as b
inner join artery_erp.bom_line as l on b.id = l.bom_id
cross join lateral (values
    (lower(b.effectivity)), (upper(b.effectivity)), (lower(l.effectivity)), (upper(l.effectivity))
) as d (due_at)
where d.due_at > now()
group by b.item_code, d.due_at;

grant select on artery_erp.work_center_rate, artery_erp.item_cost to artery_reader, artery_app;
grant insert, update, delete on artery_erp.work_center_rate to artery_app;
grant select on
    artery_plm.cost_policy, artery_plm.cost_signal, artery_plm.cost_run, artery_plm.cost_run_item,
    artery_plm.cost_run_problem
    to artery_reader;
grant update (rate_source, batch_size, keep_runs) on artery_plm.cost_policy to artery_admin;
