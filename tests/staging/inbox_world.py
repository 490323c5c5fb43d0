"""An inbox of the tests' own: its processor does what the message says."""

from __future__ import annotations

TABLE = """
    create table {schema}.{name} (
        id bigint generated always as identity primary key,
        source text not null default session_user,
        message_id text not null,
        body {body} not null,
        body_hash bigint generated always as (hashtextextended(body::text, 0)) stored,
        status text not null default 'new',
        received_at timestamptz not null default clock_timestamp(),
        received_by text not null default session_user,
        attempts integer not null default 0,
        due_at timestamptz not null default clock_timestamp(),
        processed_at timestamptz,
        result jsonb,
        reasons jsonb,
        history jsonb,
        constraint {name}_message_key unique (source, message_id, body_hash)
    );
    create unique index {name}_accepted_key on {schema}.{name} (source, message_id)
    where status in ('processed', 'parked');
    create index {name}_due_idx on {schema}.{name} (due_at, id) where status in ('new', 'parked');
    alter table {schema}.{name} owner to artery_owner;
"""
WORLD = """
    create schema w authorization artery_owner;
    set role artery_owner;
    create table w.parent (id int primary key);
    create table w.child (id int references w.parent (id) deferrable initially deferred);
    create table w.effect (id bigint primary key, value numeric);
    create table w.call (ids bigint[]);
    create function w.settle(p_ids bigint[]) returns void language plpgsql as $$
    declare
        v record;
    begin
        for v in select m.id, m.body from w.message as m where m.id = any(p_ids) order by m.id loop
            case
                when v.body = 'park' then
                    update w.message set status = 'parked' where id = v.id;
                    continue;
                when v.body = 'forget' then continue;
                when v.body = 'no reason' then
                    update w.message set status = 'rejected' where id = v.id;
                    continue;
                when v.body = 'slow' then perform pg_sleep(20);
                when v.body = 'assert' then assert false, 'never';
                when v.body = 'defer' then insert into w.child values (1);
                when v.body = 'deadlock' then raise deadlock_detected;
                when v.body = 'deep' then
                    perform (repeat('[', 200000) || repeat(']', 200000))::jsonb;
                when v.body = 'huge' then perform repeat(repeat('x', 1000000), 2000);
                else
                    -- NUL, NaN and huge numbers fail here
                    insert into w.effect
                    select v.id, (v.body::jsonb ->> 'n')::numeric(18, 6) where v.body <> 'none';
            end case;
            update w.message as m set status = 'processed', result = '{"done": true}'
            where m.id = v.id;
        end loop;
        insert into w.call values (p_ids);
    end $$;
    alter table w.effect add constraint effect_value_check check (value < 'NaN');
    reset role;
"""
