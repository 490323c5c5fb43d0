-- Files: fenced, whole, of their kind, within their size; then the log's retention by endpoint
begin;
set client_min_messages = error;
\ir _setup.psql
select no_plan();
select t.runner() as r \gset
select t.endpoint('files', '{"max_attempts": 3}') as e \gset
update artery.route set method = 'GET', download = 'pdf', download_bytes = 100 where topic = 'files';

-- the route
select is((select download_bytes from artery.route where topic = 'files'), 100::bigint, 'a download has a size');
insert into artery.route (topic, endpoint_id, path_template, method, download) values ('any', :e, '/any', 'GET', 'any');
select is((select download_bytes from artery.route where topic = 'any'), 268435456::bigint, '... 256 MiB unless given');
update artery.route set download = null where topic = 'any';
select is((select download_bytes from artery.route where topic = 'any'), null, '... and none where there is no file');
select throws_ok($$update artery.route set download = 'exe' where topic = 'any'$$, '23514', null, 'an unknown kind is refused');

create function t.fetch() returns bigint language plpgsql as $$
declare
    v_id bigint := artery.enqueue_task('files', p_document_type => 'inv', p_document_id => 'INV-1');
begin
    perform t.claim((select max(id) from artery.runner), 1000);
    return v_id;
end $$;
create function t.store(p_id bigint, p_position integer, p_data text, p_attempt integer default null) returns text language sql as $$
    select artery.store_chunk(x.runner_id, p_id, coalesce(p_attempt, x.attempt), p_position, convert_to(p_data, 'UTF8')) ->> 'error_kind'
    from artery.integration_task as x where x.id = p_id
$$;
create function t.finish(p_id bigint, p_content text, p_chunks integer, p_headers jsonb default '{}') returns jsonb language sql as $$
    select artery.finish_download(x.runner_id, p_id, x.attempt, p_chunks, octet_length(p_content), sha256(convert_to(p_content, 'UTF8')), p_headers)
    from artery.integration_task as x where x.id = p_id
$$;

-- a good file
select t.fetch() as id \gset
select is(t.store(:id, 0, '%PDF-1.7 a'), null, 'the first piece is taken');
select is(t.store(:id, 0, '%PDF-1.7 a'), null, 'the same piece again, after a lost reply, is no fault');
select is(t.store(:id, 1, 'b %%EOF'), null, 'the next is taken');
select is((select count(*)::int from artery.attachment), 0, 'until its end nothing is attached');
select t.finish(:id, '%PDF-1.7 ab %%EOF', 2, '{"content-type": "application/pdf"}') as told \gset
select is(artery.attachment_content((:'told'::jsonb ->> 'attachment_id')::bigint), '%PDF-1.7 ab %%EOF'::bytea, 'then all of it is');
select results_eq('select document_type, document_id, kind, file_name, content_type, bytes, chunks from artery.attachment',
    $$values ('inv', 'INV-1', 'pdf', 'INV-1.pdf', 'application/pdf', 17::bigint, 2)$$, 'with what it is and whose');
select is(t.finish(:id, '%PDF-1.7 ab %%EOF', 2), :'told'::jsonb, 'the same end again tells the same');
select is(artery.attachment_piece((:'told'::jsonb ->> 'attachment_id')::bigint, 1), 'b %%EOF'::bytea, 'it can be read in pieces');
select is(artery.attachment_piece((:'told'::jsonb ->> 'attachment_id')::bigint, 2), null, '... and after the last is none');
select is((select count(*)::int from artery.download), 0, 'nothing is under way any more');
-- fetched once more, with other bytes: the report was lost
update artery.integration_task set locked_until = now() - interval '1 s' where id = :id;
select artery.expire_leases(now() + interval '1 minute');
select is(t.status(:id), 'failed', 'a lost download may be made again');
select t.make_due(); select t.claim(:r);
select t.store(:id, 0, '%PDF-1.7 other %%EOF');
select is(t.finish(:id, '%PDF-1.7 other %%EOF', 1), :'told'::jsonb, 'the first file stays');
select is((select count(*)::int from artery.attachment_chunk), 2, '... and nothing of the other');

-- announced
select artery.enqueue_task('files') as id \gset
select artery.expect_file(:id, encode(sha256('%PDF-1 a %%EOF'), 'hex'));
select t.claim(:r, 1000);
select t.store(:id, 0, '%PDF-1 b %%EOF');
select is(t.finish(:id, '%PDF-1 b %%EOF', 1) ->> 'error', 'its SHA-256 is not the one that was announced', 'another file than was announced');
select is((select count(*)::int from artery.attachment where task_id = :id), 0, '... is not attached');
select throws_ok(format('select artery.expect_file(%s, repeat(''0'', 64))', :id), 'IN006', null, 'it is too late to say what to expect');
select throws_ok(format('select artery.expect_file(%s, ''abc'')', :id), 'IN014', null, 'and that is no SHA-256');
select t.report(:r, t.result(:id, null, '{"error_kind": "bad_content"}'));
select t.make_due(); select t.claim(:r);
select t.store(:id, 0, '%PDF-1 a %%EOF');
select ok(t.finish(:id, '%PDF-1 a %%EOF', 1) ? 'attachment_id', 'the file that was announced is');
select t.report(:r, t.result(:id, 200));

-- fenced
select t.fetch() as id \gset
select is(t.store(:id, 0, '%PDF-', 7), 'interrupted', 'another attempt''s piece is refused');
select is(artery.store_chunk(:r + 100, :id, 1, 0, '%PDF-') ->> 'error_kind', 'interrupted', 'another runner''s too');
select is(artery.finish_download(:r + 100, :id, 1, 1, 5, sha256('%PDF-')) ->> 'error_kind', 'interrupted', '... and its end');
select is(t.store(:id, 1, '%PDF-'), 'storage', 'a piece out of turn is refused');
select is(t.store(:id, 0, '%PDF-'), null, 'an attempt begins');
update artery.integration_task set locked_until = now() - interval '1 s' where id = :id;
select artery.expire_leases(now() + interval '1 minute');
select is(t.store(:id, 1, 'x'), 'interrupted', 'after its lease nothing more is taken');
select t.make_due(); select t.claim(:r);
select is(t.store(:id, 0, '%PDF-2'), null, 'the next attempt begins anew');
select is((select string_agg(convert_from(c.data, 'UTF8'), ',') from artery.attachment_chunk as c join artery.download as d using (attachment_id)), '%PDF-2', '... in place of the last');
select is(artery.discard_downloads(now() + interval '1 minute'), 0::bigint, 'the sweep leaves what is under way');
select t.report(:r, t.result(:id, 200, '{"error_kind": "bad_content"}'));
select is(t.status(:id), 'failed', 'wrong content is worth another try');
select is(artery.discard_downloads(now() + interval '1 minute'), 1::bigint, 'the sweep takes what nobody goes on with');
select is((select count(*)::int from artery.attachment_chunk), 3, '... all of it');
select t.report(:r, t.result((select max(id) from artery.integration_task), null, '{"error_kind": "storage"}'));

-- too large, not whole, not of its kind
select t.fetch() as id \gset
select is(t.store(:id, 0, '%PDF-' || repeat('x', 90)), null, 'up to its size');
select is(t.store(:id, 1, repeat('x', 10)), 'too_large', '... and no further');
create temp table file (kind text, content text, good boolean);
insert into file values
('pdf', '%PDF-1.4 %%EOF', true), ('pdf', E'%PDF-1.4\n%%EOF\r\n', true), ('pdf', '<html>', false), ('pdf', ' %PDF-1.4 %%EOF', false), ('pdf', '%PDF-1.4', false), ('pdf', '%PDF', false),
('xml', '<?xml version="1.0"?><a/>', true), ('xml', E'\n<a>ü</a>\n', true), ('xml', U&'\FEFF<a></a>', true), ('xml', '<!DOCTYPE html><html></html>', false), ('xml', '<html></html>', false),
('xml', '{"a": 1}', false), ('xml', '<a>cut', false), ('xml', '', false), ('ofd', 'PKxx', false), ('any', 'whatever', true), ('any', '<html>', true);
select is(artery._file_problem(kind, convert_to(content, 'UTF8'), null) is null and artery._file_problem(kind, null, convert_to(content, 'UTF8')) is null, good,
    format('%s: %L', kind, content)) from file;
select is(artery._file_problem('ofd', '\x504b0304', '\x4f46442e786d6c504b0506'), null, 'a ZIP with OFD.xml is an OFD');
select isnt(artery._file_problem('ofd', null, '\x4f46442e786d504b0506'), null, '... one without is none');
select t.fetch() as id \gset
select t.store(:id, 0, '%PDF-1 %%EOF');
select is(t.finish(:id, '%PDF-1 %%EOF', 2) ->> 'error_kind', 'bad_content', 'a piece that is missing is noticed');
select is(t.finish(:id, '', 0) ->> 'error_kind', 'bad_content', 'no file is no file');
select t.fetch() as id \gset
select t.store(:id, 0, '%PDF-1 %%EOF');
select is(t.finish(:id, '%PDF-1 %%EOF', 1, '{"content-digest": "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:"}') ->> 'error_kind', 'bad_content', 'another digest than its sender''s is noticed');
select is((select count(*)::int from artery.attachment), 2, 'none of these was attached');
select is((select count(*)::int from artery.attachment_chunk as c where not exists (select from artery.attachment as a where a.id = c.attachment_id)
    and not exists (select from artery.download as d where d.attachment_id = c.attachment_id)), 0, 'and nothing of them is left');

-- names
create temp table name (header text, name text);
insert into name values (null, 'INV_1.pdf'), ('attachment', 'INV_1.pdf'), ('attachment; filename="a b.pdf"', 'a b.pdf'), ('attachment; filename=a.pdf; x=1', 'a.pdf'),
('attachment; filename="../../etc/passwd"', 'passwd'), ('attachment; filename="C:\\x\\y.pdf"', 'y.pdf'), ('attachment; filename=".."', 'INV_1.pdf'), ('attachment; filename="a.pdf"; filename*=UTF-8''''%E5%8F%91%20%C3%BC.pdf', '发 ü.pdf'),
('attachment; filename*=UTF-8''''%ff.pdf; filename=b.pdf', 'b.pdf'), (convert_from(convert_to('attachment; filename="发票.pdf"', 'UTF8'), 'LATIN1'), '发票.pdf'), (E'attachment; filename="a\nb\u00fc.pdf"', 'a_bü.pdf');
select is(artery._file_name(header, 'INV/1', 'pdf'), name, format('name from %s', header)) from name;

-- who may
select is(e.state, 'IN027', 'no such attachment') from t.error('select artery.attachment_content(-1)') as e;
set local role artery_reader;
select is((select count(*)::int from artery.list_attachments('INV-1', 'inv') as l, artery.attachment_info(l.id), artery.attachment_content(l.id)), 1, 'a reader lists and reads');
select throws_ok('select from artery.attachment_chunk', '42501', null, '... by function alone');
select throws_ok('delete from artery.attachment', '42501', null, '... and deletes nothing');
set local role artery_runner;
select throws_ok('select artery.list_attachments()', '42501', null, 'a runner writes files and reads none');
reset role;
delete from artery.attachment;
select is((select count(*)::int from artery.attachment_chunk as c where not exists (select from artery.download as d where d.attachment_id = c.attachment_id)), 0, 'the content goes with its row');

-- cloud_log by endpoint
select t.endpoint('short') as short \gset
select t.endpoint('long') as long \gset
set local role artery_owner;
select artery._ensure_partition('artery.cloud_log', now() - d * interval '1 day') from generate_series(1, 5) as d;
reset role;
insert into artery.cloud_log (called_at, task_id, attempt, span_id, runner_id, topic, endpoint_id, request_id, method, url, request_bytes, request_hash, outcome)
select now() - d * interval '1 day', d, 1, '', 1, 'x', e, gen_random_uuid(), 'GET', '', 0, '', 'sent' from generate_series(0, 5) as d, unnest(array[:short, :long]) as e;
select is(artery.trim_logs(now() + interval '1 minute'), 0::bigint, 'without log_keep all stay');
update artery.endpoint set log_keep = '3 days' where id = :short;
select is(artery.trim_logs(now() + interval '1 minute'), 2::bigint, 'whole days past log_keep go');
select is((select count(*)::int from artery.cloud_log where endpoint_id = :short and called_at < date_trunc('day', now() - interval '3 days', 'UTC')), 0, '... all of them');
select is((select count(*)::int from artery.cloud_log where endpoint_id = :long), 6, '... of that endpoint alone');
select is(artery.trim_logs(now() + interval '1 minute'), 0::bigint, 'once');
update artery.endpoint set log_keep = '1 hour' where id = :short;
select is(artery.trim_logs(now() + interval '1 minute'), 3 - (now() at time zone 'UTC' < date_trunc('day', now() at time zone 'UTC') + interval '1 hour')::int::bigint, 'a shorter time clears more');
select is((select count(*)::int from artery.cloud_log where endpoint_id = :short and called_at >= date_trunc('day', now(), 'UTC')), 1, '... of days that are over');
select throws_ok(format($$update artery.endpoint set log_keep = '1 second' where id = %s$$, :short), '23514', null, 'less than an hour is refused');

select * from finish();
rollback;
