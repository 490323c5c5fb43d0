/* Secrets by their shape or by the name they stand under, in what goes to the log. Digits alone are
   no shape: an invoice number of 20 digits looks like one, and every tenth order number of 16
   passes for a card's. Nested quotes (JSON as a string in JSON) are looked into once.
   regexp_replace over the few texts that have a chance; artery._redacted decides which. */
create or replace function artery._redact(p_text text)
returns text
language plpgsql
immutable
strict
parallel safe
set search_path = pg_catalog, pg_temp
as $function$
declare
    c_names constant text := '[[:alnum:]_.-]*(?:passw(?:or)?d|passwort|passphrase|pwd|secret|token|credentials?|authorization'
        '|(?:api|private|access|secret|subscription)[-_]?key|client[-_]?assertion)';
    v_text text := p_text;
begin
    v_text := regexp_replace(v_text, '-----BEGIN [A-Z0-9 ]*?PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*?PRIVATE KEY-----|$)', '[redacted]', 'g');
    v_text := regexp_replace(v_text, '\m(bearer|basic)(\s+)[[:alnum:]._~+/=-]{8,}', '\1\2[redacted]', 'gi');
    v_text := regexp_replace(v_text, '\meyJ[[:alnum:]_-]{8,}(?:\.[[:alnum:]_-]*){1,4}', '[redacted]', 'g');
    v_text := regexp_replace(
        v_text,
        '\m(?:whsec_[[:alnum:]+/=]{16,}|[sr]k_(?:live|test)_[[:alnum:]]{10,}|gh[opsur]_[[:alnum:]]{20,}'
        '|github_pat_[[:alnum:]_]{20,}|AKIA[A-Z0-9]{16}|xox[abeprs]-[[:alnum:]-]{10,})',
        '[redacted]', 'g'
    );
    v_text := regexp_replace(v_text, '("' || c_names || '"\s*:\s*)"(?:[^"\\]|\\.)*"?', '\1"[redacted]"', 'gi');
    v_text := regexp_replace(v_text, '(\\"' || c_names || '\\"\s*:\s*\\")(?:[^"\\]|\\\\(?:\\.)?|\\[^"\\])*', '\1[redacted]', 'gi');
    v_text := regexp_replace(v_text, '("(?:cvv2?|cvc2?|pan|card[-_]?(?:no|number))"\s*:\s*"?)[0-9][0-9 -]*', '\1[redacted]', 'gi');
    v_text := regexp_replace(v_text, '(<(?:\w+:)?' || c_names || '(?:\s[^<>]*)?>)[^<]+', '\1[redacted]', 'gi');
    return regexp_replace(v_text, '((?:^|[?&;\s])(?:sig|' || c_names || ')=)[^&\s"''<>#;]+', '\1[redacted]', 'gi');
end
$function$;
comment on function artery._redact(text) is
'A text with what looks like a secret, or stands under a secret''s name, taken out';

-- Both inlined into their callers: hence no search_path. A search costs most at its start (the
-- words' first states, 2 to 5 us) and little by the letter: who has many texts asks once for all.
create or replace function artery._suspicious(p_text text)
returns boolean
language sql
immutable
parallel safe
as $function$
select p_text ~* (
    'passw|passph|pwd|secret|token|creden|beare|basic|authoriz|key|eyj|whsec_|assertion|sk_|rk_'
    '|gh[opsur]_|_pat|akia|xox|cvv|cvc|"pan|card|sig='
)
$function$;
comment on function artery._suspicious(text) is
'Whether a text has a word or shape for which _redact would look closer; null of null';

create or replace function artery._redacted(p_text text)
returns text
language sql
immutable
parallel safe
as $function$
select case when artery._suspicious(p_text) then artery._redact(p_text) else p_text end
$function$;
comment on function artery._redacted(text) is 'As _redact, at little cost where there is nothing to take out';
