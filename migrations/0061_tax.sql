set local role artery_owner;

create table artery_tax.tax_category (
    code text primary key,
    name text not null,
    taxed boolean not null,
    zero_rate_flag text
);
comment on table artery_tax.tax_category is 'VAT categories by their codes in UNCL5305, as EN 16931 uses them';
comment on column artery_tax.tax_category.taxed is 'Its rate is above 0';
comment on column artery_tax.tax_category.zero_rate_flag is
'How a Chinese invoice says why the rate is 0: 0 export, 1 exempt, 2 not taxable, 3 zero rate';

insert into artery_tax.tax_category (code, name, taxed, zero_rate_flag) values
('S', 'standard or reduced rate', true, null),
('Z', 'zero rated', false, '3'),
('E', 'exempt', false, '1'),
('AE', 'reverse charge', false, '2'),
('K', 'intra-community supply', false, '0'),
('G', 'export, zero rate', false, '0'),
('O', 'not subject to tax', false, '2');

create table artery_tax.preferential_policy (
    code text primary key,
    name text not null,
    category text references artery_tax.tax_category (code),
    rates numeric[],
    tax_included boolean not null default true
);
comment on table artery_tax.preferential_policy is
'Preferential policies of Chinese VAT that a line can claim, with what they demand of it';
comment on column artery_tax.preferential_policy.category is 'null = any';
comment on column artery_tax.preferential_policy.rates is 'null = any';
comment on column artery_tax.preferential_policy.tax_included is
'Prices may include tax; not where the rate that is levied is another than the one in the price';

insert into artery_tax.preferential_policy (code, name, category, rates, tax_included) values
('01', '简易征收', 'S', '{0.03, 0.05}', true),
('02', '稀土产品', 'S', null, true),
('03', '免税', 'E', '{0}', true),
('04', '不征税', 'O', '{0}', true),
('05', '先征后退', 'S', null, true),
('06', '100%先征后退', 'S', null, true),
('07', '50%先征后退', 'S', null, true),
('08', '按3%简易征收', 'S', '{0.03}', true),
('09', '按5%简易征收', 'S', '{0.05}', true),
('10', '按5%简易征收减按1.5%计征', 'S', '{0.015}', false),
('11', '即征即退30%', 'S', null, true),
('12', '即征即退50%', 'S', null, true),
('13', '即征即退70%', 'S', null, true),
('14', '即征即退100%', 'S', null, true),
('15', '超税负3%即征即退', 'S', null, true),
('16', '超税负8%即征即退', 'S', null, true),
('17', '超税负12%即征即退', 'S', null, true),
('18', '超税负6%即征即退', 'S', null, true);

-- what differs from one gateway to the next: a row here, a payload function, a reply function
create table artery_tax.gateway_profile (
    name text primary key,
    topic_prefix text not null constraint gateway_profile_topic_prefix_key unique,
    description text,
    payload_function text not null,
    reply_function text not null default 'artery_tax.read_answer(jsonb,text)',
    answer jsonb not null,
    codes jsonb not null default '{}',
    number_pattern text,
    needs_tax_class boolean not null default false,
    max_lines integer not null default 2000,
    max_amount numeric,
    query_every interval not null default '5 seconds',
    constraint gateway_profile_name_check check (name ~ '^[a-z][a-z0-9_]{0,30}$'),
    constraint gateway_profile_topic_prefix_check check (topic_prefix ~ '^[a-z][a-z0-9_.]{0,60}$'),
    constraint gateway_profile_answer_check check (jsonb_typeof(answer) = 'object'),
    constraint gateway_profile_codes_check check (jsonb_typeof(codes) = 'object'),
    -- a discount row is never parted from its line
    constraint gateway_profile_max_lines_check check (max_lines >= 2),
    constraint gateway_profile_max_amount_check check (max_amount > 0 and max_amount < 1e15),
    constraint gateway_profile_query_every_check check (query_every >= interval '100 milliseconds')
);
comment on table artery_tax.gateway_profile is
'What a kind of tax gateway is asked and answers: its limits, its names and codes, the function that makes '
'the request and the one that reads the answer';
comment on column artery_tax.gateway_profile.topic_prefix is
'Of its routes: <prefix>.invoice.issue and the like';
comment on column artery_tax.gateway_profile.payload_function is
'schema.function(text) returns jsonb: the request for the invoice of that order number';
comment on column artery_tax.gateway_profile.reply_function is
'schema.function(jsonb, text) returns jsonb: an answer, by this profile, in the words of artery_tax.read_answer';
comment on column artery_tax.gateway_profile.answer is
'Where in an answer things stand: {"number": "<SQL/JSON path>", …}, and what its statuses mean: '
'{"statuses": {"<theirs>": "issued" | "processing" | "failed"}}';
comment on column artery_tax.gateway_profile.codes is 'Our words -> the gateway''s codes, for the payload function';
comment on column artery_tax.gateway_profile.number_pattern is 'An invoice''s number that is no such number is an alarm';
comment on column artery_tax.gateway_profile.needs_tax_class is 'Each line needs a classification code';
comment on column artery_tax.gateway_profile.max_lines is
'Rows an invoice may have, discount rows included; what has more is split';
comment on column artery_tax.gateway_profile.max_amount is
'Most that an invoice may come to, without tax; what comes to more is split. null = no limit';
comment on column artery_tax.gateway_profile.query_every is
'How soon it is asked again after an answer that says "processing"; twice as long each time, up to 10 minutes';

insert into artery_tax.gateway_profile (
    name, topic_prefix, description, payload_function, number_pattern, needs_tax_class,
    codes, answer
) values
(
    'digital', 'tax', 'China: the fully digitalised invoice (数电票)',
    'artery_tax.digital_payload(text)', '^[0-9]{20}$', true,
    '{"invoice_type": {"ordinary": "82", "special": "81"},
      "line_kind": {"normal": "0", "discount": "1", "discounted": "2"}}',
    '{"status": "$.status",
      "statuses": {"issued": "issued", "processing": "processing", "failed": "failed"},
      "request_id": "$.requestId", "order_no": "$.orderNo", "number": "$.invoiceNo", "code": "$.invoiceCode",
      "issued_at": "$.issuedAt", "amount": "$.totalAmount", "tax": "$.totalTax", "total": "$.totalWithTax",
      "seller_tax_no": "$.sellerTaxNo", "buyer_name": "$.buyerName", "buyer_tax_no": "$.buyerTaxNo",
      "error_code": "$.code", "error": "$.message", "files": "$.files"}'
),
(
    'en16931', 'tax.en16931', 'Europe: JSON shaped as the semantic model of EN 16931',
    'artery_tax.en16931_payload(text)', null, false,
    '{"invoice_type": {"blue": "380", "red": "381"}}',
    '{"status": "$.state",
      "statuses": {"accepted": "issued", "pending": "processing", "rejected": "failed"},
      "order_no": "$.invoiceNumber", "number": "$.documentId", "issued_at": "$.acceptedAt",
      "tax": "$.totalVat", "total": "$.totalWithVat", "buyer_tax_no": "$.buyerVatIdentifier",
      "error_code": "$.errors[0].code", "error": "$.errors[*].text"}'
);

create table artery_tax.merchant (
    code text collate "C" primary key,
    name text not null,
    tax_no text not null,
    address text,
    phone text,
    bank text,
    bank_account text,
    drawer text,
    reviewer text,
    payee text,
    profile text not null default 'digital' references artery_tax.gateway_profile (name),
    max_amount numeric,
    is_default boolean not null default false,
    constraint merchant_code_check check (code ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$'),
    constraint merchant_tax_no_check check (tax_no ~ '^[A-Z0-9]{5,30}$'),
    constraint merchant_max_amount_check check (max_amount > 0 and max_amount < 1e15)
);
create unique index merchant_default_key on artery_tax.merchant (is_default) where is_default;
create index merchant_profile_idx on artery_tax.merchant (profile);
comment on table artery_tax.merchant is
'Who sells: our own taxpayers. Without a row no document is invoiced through a tax cloud';
comment on column artery_tax.merchant.drawer is 'Who draws its invoices up; on the invoice';
comment on column artery_tax.merchant.max_amount is
'Most that the tax office lets it put on an invoice, without tax; null = as the profile says';
comment on column artery_tax.merchant.is_default is 'Sells wherever nothing says otherwise';

create table artery_tax.customer_profile (
    customer_code text collate "C" primary key references artery_erp.customer (code),
    billing text not null default 'shipment',
    invoice_type text not null default 'ordinary',
    merchant text collate "C" references artery_tax.merchant (code),
    constraint customer_profile_billing_check check (billing in ('shipment', 'settlement', 'none')),
    constraint customer_profile_invoice_type_check check (invoice_type in ('ordinary', 'special'))
);
create index customer_profile_merchant_idx on artery_tax.customer_profile (merchant);
comment on table artery_tax.customer_profile is
'How a customer is invoiced; one without a row: at shipment, ordinary, by the default merchant';
comment on column artery_tax.customer_profile.billing is
'What makes its invoices: each shipment, or the settlements alone; none = they are made by hand';
comment on column artery_tax.customer_profile.invoice_type is
'special = the buyer deducts the tax (增值税专用发票)';

create table artery_tax.item_profile (
    item_code text collate "C" primary key references artery_erp.item (code),
    name text,
    tax_class_code text collate "C",
    spec text,
    category text not null default 'S' references artery_tax.tax_category (code),
    rate numeric not null,
    policy text references artery_tax.preferential_policy (code),
    constraint item_profile_tax_class_code_check check (tax_class_code ~ '^[0-9]{19}$'),
    constraint item_profile_rate_check check (rate >= 0 and rate <= 1)
);
create index item_profile_category_idx on artery_tax.item_profile (category);
create index item_profile_policy_idx on artery_tax.item_profile (policy);
comment on table artery_tax.item_profile is 'How an item is taxed, and what an invoice calls it';
comment on column artery_tax.item_profile.name is 'On the invoice; null = the item''s own';
comment on column artery_tax.item_profile.tax_class_code is
'Classification of goods and services for tax: 19 digits, as text';

create table artery_tax.invoice_event (
    id bigint generated always as identity primary key,
    order_no text collate "C" not null,
    at timestamptz not null default clock_timestamp(),
    who text not null default session_user,
    event text not null,
    from_status text,
    to_status text,
    invoice_no text,
    detail jsonb
);
create index invoice_event_order_no_idx on artery_tax.invoice_event (order_no, id);
comment on table artery_tax.invoice_event is 'What happened to each invoice, in order: append-only';

create table artery_tax.invoice_alarm (
    id bigint generated always as identity primary key,
    order_no text collate "C" not null references artery_erp.ar_invoice (order_no),
    task_id bigint,
    raised_at timestamptz not null default clock_timestamp(),
    differences jsonb not null,
    answer jsonb not null,
    read jsonb not null,
    decided_at timestamptz,
    decided_by text,
    accepted boolean,
    reason text,
    constraint invoice_alarm_decided_check check (
        num_nonnulls(decided_at, decided_by, accepted, reason) in (0, 4)
    )
);
-- the same answer, come again, is the same alarm
create unique index invoice_alarm_open_key
on artery_tax.invoice_alarm (order_no, (md5(answer::text)))
where decided_at is null;
comment on table artery_tax.invoice_alarm is
'Answers that contradict what was asked: kept, not written to the invoice; a person decides, by '
'artery_tax.decide_alarm';
comment on column artery_tax.invoice_alarm.differences is '[{"field", "asked", "answered"}]';
comment on column artery_tax.invoice_alarm.answer is 'The whole raw answer';
comment on column artery_tax.invoice_alarm.read is 'What the profile''s reply function read in it';

-- the ERP's own code creates invoices and looks at what became of them
grant usage on schema artery_tax to artery_app;
grant select on
    artery_tax.tax_category, artery_tax.preferential_policy, artery_tax.gateway_profile,
    artery_tax.merchant, artery_tax.customer_profile, artery_tax.item_profile,
    artery_tax.invoice_event, artery_tax.invoice_alarm
    to artery_reader, artery_app;
grant insert, update, delete on
    artery_tax.merchant, artery_tax.customer_profile, artery_tax.item_profile
    to artery_app, artery_admin;
grant insert, update, delete on
    artery_tax.gateway_profile, artery_tax.preferential_policy
    to artery_admin;
