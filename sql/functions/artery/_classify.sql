/* What an attempt means for its task. Own faults (we did not reach the receiver for reasons of
   ours) never count against max_attempts. After any fault later than the connection's set-up the
   receiver may have acted, and so it may before a 500 or a gateway's 502 or 504: outcome unknown,
   and only an endpoint that honours the Request-ID is called again. Inlined into its caller: hence
   no search_path. */
create or replace function artery._classify(
    p_status_code integer, p_error_kind text, p_retryable integer[], p_idempotent boolean
)
returns table (status text, error_class text, counts integer)
language sql
immutable
parallel safe
rows 1
as $function$
select
    case
        when c.error_class = 'success' then 'sent'
        when c.error_class in ('own_fault', 'unreachable', 'retryable') then 'failed'
        when c.error_class = 'unknown_outcome' and p_idempotent then 'failed'
        when c.error_class = 'unknown_outcome' then 'held'
        else 'dead'
    end,
    nullif(c.error_class, 'success'),
    case when c.error_class in ('success', 'own_fault') then 0 else 1 end
from (
    select case
        when p_error_kind is null and p_status_code between 200 and 299 then 'success'
        when p_error_kind in ('dns', 'proxy', 'egress', 'token', 'secret', 'storage') then 'own_fault'
        when p_error_kind in ('connect', 'tls') then 'unreachable'
        when p_error_kind = 'bad_content' then 'retryable'
        when p_error_kind in ('too_large', 'bad_request') then p_error_kind
        when p_error_kind is not null or p_status_code is null then 'unknown_outcome'
        when not p_idempotent and p_status_code >= 500 and p_status_code not in (501, 503, 505)
            then 'unknown_outcome'
        when p_status_code = any(p_retryable) or p_status_code >= 500 then 'retryable'
        when p_status_code between 300 and 399 then 'redirect'
        else 'refused'
    end as error_class
) as c
$function$;
comment on function artery._classify(integer, text, integer[], boolean) is
'Status, error class and weight against max_attempts, from one attempt''s status code or error kind';
