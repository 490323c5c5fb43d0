create table toy.work_order (
    id integer generated always as identity primary key,
    code text not null unique,
    product text not null,
    amount integer not null,
    state char(1) not null default 'N',
    due date
);
create table toy.work_order_part (
    order_id integer not null references toy.work_order (id),
    pos integer not null,
    part text not null,
    per_piece numeric not null,
    primary key (order_id, pos)
);
create table toy.finished (
    id integer generated always as identity primary key,
    order_id integer not null references toy.work_order (id),
    pieces integer not null,
    report text not null
);
create table toy.todo (report text primary key, order_id integer not null, pieces integer not null, answer text);
