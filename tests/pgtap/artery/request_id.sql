begin;
select no_plan();
\ir _setup.psql

create temp table made as
select n, artery._new_request_id() as id, clock_timestamp() as at from generate_series(1, 1000) as n;
select is(count(distinct id), 1000::bigint, 'each is new') from made;
select is(array_agg(distinct substr(id::text, 15, 1)), array['7'], 'of version 7') from made;
select is(
    array_agg(distinct substr(id::text, 20, 1) order by substr(id::text, 20, 1)), array['8', '9', 'a', 'b'],
    'of the variant of RFC 9562'
) from made;
select ok(
    bool_and(at - to_timestamp(('x0000' || replace(left(id::text, 13), '-', ''))::bit(64)::bigint / 1000.0) between '-1 ms' and '1 s'),
    'they begin with the milliseconds since 1970'
) from made;
select artery._new_request_id() as early \gset
select pg_sleep(0.005);
select cmp_ok(artery._new_request_id(), '>', :'early', 'a later one is greater');

select t.endpoint('t');
set role artery_app;
select artery.enqueue_task('t') as id \gset
reset role;
select is(substr(request_id::text, 15, 1), '7', 'a task that was given none has one')
from artery.integration_task where id = :id;

select * from finish();
rollback;
