set local role artery_owner;

-- squawk-ignore ban-drop-function -- private, and artery._reason is the same
drop function if exists artery_mes._reason(text, text, text, text);
