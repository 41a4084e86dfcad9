-- What is wrong and wants a person: alarms, who has yet to be told of them, what a tenant granted, and the trace of a run.

create table alarm (
    id         uuid primary key,
    kind       text not null constraint alarm_kind check (kind in ('RUN_FAILING', 'RECONNECT_NEEDED', 'CHANGES_HELD', 'EVIDENCE_TURNED_BAD',
        'CREDENTIAL_EXPIRING', 'CREDENTIAL_REFUSED', 'NO_WORKER')),
    company_id uuid constraint alarm_company references company on delete cascade,
    subject    text not null default '',
    message    text not null,
    remedy     text not null,
    opened_at  timestamptz not null,
    closed_at  timestamptz
);
comment on table alarm is 'Something that is, or was, wrong. Opened and closed by a look at the facts, never by whoever met them.';
comment on column alarm.company_id is 'Null: it concerns the application, and so every company.';
comment on column alarm.subject is 'What of the company it is about: the kind of run, or the check; empty where there is only one.';
create unique index one_open_alarm on alarm (kind, company_id, subject) nulls not distinct where closed_at is null;
create index alarm_by_time on alarm (opened_at desc, id desc);
create index alarm_by_company on alarm (company_id, opened_at desc, id desc);

create table alarm_event (
    seq      bigint generated always as identity primary key,
    alarm_id uuid not null constraint alarm_event_alarm references alarm on delete cascade,
    what     text not null constraint alarm_event_what check (what in ('OPENED', 'CLOSED')),
    at       timestamptz not null,
    delivery text not null constraint alarm_event_delivery check (delivery in ('NONE', 'WAITING', 'DELIVERED', 'GIVEN_UP')),
    attempts integer not null default 0,
    next_at  timestamptz not null
);
comment on table alarm_event is 'That an alarm opened or closed: for subscribers, and for the webhook.';
comment on column alarm_event.delivery is 'NONE: there was no webhook to tell when it came to pass.';
comment on column alarm_event.next_at is 'It is not tried again before this; also while a try is under way.';
create index alarm_event_to_deliver on alarm_event (next_at) where delivery = 'WAITING';
create index alarm_event_by_alarm on alarm_event (alarm_id);

alter table alarm enable row level security;
create policy alarm_in_view on alarm for select to tenantry_viewer
    using (company_id = any ((select viewer_companies())::uuid[]) and (select viewer_sees_everybody()));
alter table alarm_event enable row level security;
create policy alarm_event_in_view on alarm_event for select to tenantry_viewer
    using (exists (select from alarm where alarm.id = alarm_event.alarm_id));
grant select on alarm, alarm_event to tenantry_viewer;

alter table sync_run add column trace_parent text;
comment on column sync_run.trace_parent is 'The traceparent (W3C) of whoever asked for the run: the worker continues that trace.';

alter table tenant
    add column granted_roles text[],
    add column granted_at timestamptz;
comment on column tenant.granted_roles is 'The application permissions in the last token that the tenant gave us; null: none was read yet.';
comment on column tenant.granted_at is 'When granted_roles was last seen to be something else.';
