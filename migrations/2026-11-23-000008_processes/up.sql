-- What processes have to know of each other: who asks Microsoft how much, and which credentials they prove themselves with.

create table graph_share (
    process uuid primary key,
    parts   integer not null constraint graph_share_parts check (parts between 0 and 1000000),
    backend integer not null,
    seen_at timestamptz not null
);
comment on table graph_share is 'Which part of the application''s limits at Microsoft a worker process may use.';
comment on column graph_share.parts is 'Of a million; those of all processes together are never more.';
comment on column graph_share.backend is 'The server process of the connection that it holds for as long as it asks: when that is gone, so is the part.';
comment on column graph_share.seen_at is 'A process that was not seen for as long as a lease holds is frozen or cut off, and its part is free.';

create table credential_in_use (
    name    text primary key,
    ends_at timestamptz not null,
    seen_at timestamptz not null
);
comment on table credential_in_use is 'The credentials at Microsoft that processes run with, as far as their end is known; nothing of a secret itself.';
comment on column credential_in_use.seen_at is 'When a process last had it. One that nobody has any more is no concern.';

-- That an open alarm says something else than before is a change too: for subscribers, not for the webhook.
alter table alarm_event drop constraint alarm_event_what;
alter table alarm_event add constraint alarm_event_what check (what in ('OPENED', 'CHANGED', 'CLOSED'));
