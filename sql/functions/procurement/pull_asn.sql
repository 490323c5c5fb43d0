/* Rows there carry the transaction that wrote them. Taken are those of transactions older than the
   oldest one still open, in their order: whatever commits later is newer, so nothing is missed and
   nothing read twice. The position is written with what was taken: killed at any moment, both are
   there or neither. */
create or replace function artery_procurement.pull_asn(p_server text, p_limit integer default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
-- nothing is known here of the rows there, and order and limit must be asked for, not made here of
-- all rows
set enable_sort = off
set jit = off
as $function$
declare
    -- @plpgsql_check_options: security_warnings = off
    -- names are quoted by %I; the inbox's is held by a CHECK
    -- two ranges of the index there, however large a single transaction was
    c_rows constant text := 'select * from ('
        '(select f.txid, f.seq, f.source, f.message_id, f.body from artery_procurement.%1$I as f '
        'where f.txid = $1 and f.seq > $3 order by f.seq limit $4) union all '
        '(select f.txid, f.seq, f.source, f.message_id, f.body from artery_procurement.%1$I as f '
        'where f.txid > $1 and f.txid < $2 order by f.txid, f.seq limit $4)) as f order by f.txid, f.seq limit $4';
    v_cloud artery_procurement.cloud_server;
    v_far record;
    v_limit integer;
    v_type text;
    v_rows text;
    v_seen bigint;
    v_taken bigint;
    v_refused bigint;
    v_txid bigint;
    v_seq bigint;
    v_held boolean;
    v_stale boolean;
    v_notice text;
begin
    select c.* into v_cloud from artery_procurement.cloud_server as c where c.server = p_server for update skip locked;
    if not found then
        if exists (select from artery_procurement.cloud_server as c where c.server = p_server) then
            return jsonb_build_object('server', p_server, 'busy', true, 'more', false);
        end if;
        raise exception using
            errcode = 'IN633',
            message = format('there is no cloud server %L', p_server),
            detail = coalesce((
                select 'Known: ' || string_agg(c.server, ', ' order by c.server) || '.' from artery_procurement.cloud_server as c
            ), 'None is set up.'),
            hint = 'Set it up with artery_procurement.setup_cloud (docs/cloud-database.md).';
    end if;
    v_limit := greatest(coalesce(p_limit, v_cloud.batch_size), 1);

    v_far := artery_procurement._cloud_horizon(p_server);
    v_stale := v_far.in_recovery and (not v_far.receiving or v_far.lag_seconds * interval '1 second' > v_cloud.max_lag);
    if not v_far.in_recovery and v_far.next <= v_cloud.txid or v_far.system_identifier <> v_cloud.system_identifier then
        raise exception using
            errcode = 'IN634',
            message = format('the database of cloud server %L is not the one that was read until now', p_server),
            detail = format('Read: transaction %s of system %s. Now: transaction %s of system %s.',
                v_cloud.txid, v_cloud.system_identifier, v_far.next, v_far.system_identifier),
            hint = 'After a restore there, renumber its rows (docs/cloud-database.md), then: select artery_procurement.restart_cloud(server).';
    end if;

    v_rows := format(c_rows, p_server || '_asn');
    v_type := (
        select format_type(a.atttypid, a.atttypmod)
        from pg_catalog.pg_attribute as a
        where a.attrelid = v_cloud.inbox::regclass and a.attname = 'body'
    );
    begin
        execute format(
            'with far as materialized (%s), '
            'taken as (insert into %s (source, message_id, body) select f.source, f.message_id, f.body::%s from far as f '
            'on conflict do nothing returning 1) '
            'select (select count(*) from far) as seen, (select count(*) from taken) as taken, 0::bigint as refused, '
            'l.txid, l.seq from (select 1) as one left join (select f.txid, f.seq from far as f order by f.txid desc, f.seq desc limit 1) as l on true',
            v_rows, v_cloud.inbox, v_type
        ) into v_seen, v_taken, v_refused, v_txid, v_seq using v_cloud.txid, v_far.oldest, v_cloud.seq, v_limit;
    exception when data_exception or integrity_constraint_violation or program_limit_exceeded then
        select
            t.seen,
            t.taken,
            t.refused,
            t.txid,
            t.seq
        into v_seen, v_taken, v_refused, v_txid, v_seq
        from artery_procurement._take_rows(v_cloud, v_rows, format(
            'insert into %s (source, message_id, body) values ($1, $2, $3::%s) on conflict do nothing', v_cloud.inbox, v_type
        ), v_far.oldest, v_limit) as t;
    end;
    if v_seen < v_limit then
        execute format('select exists (select from artery_procurement.%I as f where f.txid >= $1)', p_server || '_asn')
        into v_held using greatest(v_far.oldest, v_cloud.txid + 1);
    end if;

    v_notice := concat_ws('; ',
        case when v_stale and not v_far.receiving then 'a replica answers that is cut off from its primary' end,
        case when v_stale and v_far.receiving then format('a replica answers that is %s behind', v_far.lag_seconds * interval '1 second') end,
        case when v_held then 'rows wait there for an older transaction to end' end
    );
    update artery_procurement.cloud_server as c
    set
        txid = coalesce(v_txid, c.txid),
        seq = coalesce(v_seq, c.seq),
        system_identifier = v_far.system_identifier,
        pulled = c.pulled + v_taken,
        duplicates = c.duplicates + v_seen - v_taken - v_refused,
        refused = c.refused + v_refused,
        horizon = v_far.oldest,
        answered_at = clock_timestamp(),
        held_since = case when v_held then coalesce(c.held_since, clock_timestamp()) end,
        stale_since = case when v_stale then coalesce(c.stale_since, clock_timestamp()) end,
        notice = nullif(v_notice, '')
    where c.server = p_server;
    if v_stale then
        raise warning using message = format('cloud server %s: %s', p_server, v_notice);
    end if;
    return jsonb_strip_nulls(jsonb_build_object(
        'server', p_server,
        'taken', v_taken,
        'duplicates', v_seen - v_taken - v_refused,
        'refused', v_refused,
        'more', v_seen >= v_limit,
        'notice', nullif(v_notice, '')
    ));
end
$function$;
comment on function artery_procurement.pull_asn(text, integer) is
'Takes the next batch of shipping notices from a cloud server into the inbox -> {"taken", "duplicates", "refused", "more", '
'"notice"}; at work elsewhere already: {"busy": true}. Errors: IN633 no such server, IN634 it was restored or is another, 08001 no connection';
grant execute on function artery_procurement.pull_asn(text, integer) to artery_operator;
