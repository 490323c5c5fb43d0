create or replace function artery_api_v1.sso_launch(
    p_platform text, p_user text, p_target text default null
)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
select artery_procurement.start_sso(p_platform, p_user, p_target)
$function$;
comment on function artery_api_v1.sso_launch(text, text, text) is
'For the button that leads one of the ERP''s users, signed in, to a supplier platform (docs/sso.md) -> {"launch", '
'"status", "url", "ticket", "expires_at"}. ready: send the browser to url. waiting: commit, then fetch it with '
'artery_api_v1.sso_launch_url(ticket, user). p_target: where to land, below allowed_urls. Errors, all in the detail: '
'IN650 no such platform, IN651 disabled, IN652 unknown or disabled user, IN653 the target is not allowed';
grant execute on function artery_api_v1.sso_launch(text, text, text) to artery_app;

create or replace function artery_api_v1.sso_launch_url(
    p_ticket text, p_user text, p_wait interval default '5 seconds'
)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
select artery_procurement.take_sso_url(p_ticket, p_user, p_wait)
$function$;
comment on function artery_api_v1.sso_launch_url(text, text, interval) is
'Gives the one-time URL of a launch, once, as soon as the platform has answered, or waiting after p_wait (1 minute at '
'most) -> {"launch", "status": "ready", "waiting" or "failed", "url", "reasons"}. Errors: IN655 no such ticket of this '
'user, IN656 used already, IN657 expired, IN659 not in the transaction that began it, nor in REPEATABLE READ';
grant execute on function artery_api_v1.sso_launch_url(text, text, interval) to artery_app;
