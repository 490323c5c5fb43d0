create or replace function artery_erp.check_transition(
    p_document_type text, p_document_id text, p_from text, p_to text
)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
begin
    if p_from = p_to or exists (
        select
        from artery_erp.document_transition as t
        where t.document_type = p_document_type and t.from_status = p_from and t.to_status = p_to
    ) then
        return;
    end if;

    raise exception using
        errcode = 'IN103',
        message = format(
            '%s %s cannot go from %s to %s',
            replace(p_document_type, '_', ' '), p_document_id, p_from, p_to
        ),
        detail = format('Document type %s, document %s, status %s.', p_document_type, p_document_id, p_from),
        hint = coalesce((
            select 'From here it can become: ' || string_agg(t.to_status, ', ' order by t.to_status) || '.'
            from artery_erp.document_transition as t
            where t.document_type = p_document_type and t.from_status = p_from
        ), 'This is its last status: write a new document.');
end
$function$;

comment on function artery_erp.check_transition(text, text, text, text) is
'Raises IN103 unless artery_erp.document_transition knows the step; the hint names the steps it does know';
revoke execute on function artery_erp.check_transition(text, text, text, text) from public;
