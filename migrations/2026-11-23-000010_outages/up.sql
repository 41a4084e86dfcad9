-- Where nothing comes from Microsoft for many companies, that is one alarm, and no reason to leave any of them alone.

alter table sync_run add column outage boolean not null default false;
comment on column sync_run.outage is 'It failed while Microsoft gave nothing to many companies: it says nothing of the tenant, and counts neither for an alarm of the company nor for how long that is left alone.';

alter table alarm drop constraint alarm_kind;
alter table alarm add constraint alarm_kind check (kind in ('RUN_FAILING', 'RECONNECT_NEEDED', 'CHANGES_HELD', 'EVIDENCE_TURNED_BAD',
    'CREDENTIAL_EXPIRING', 'CREDENTIAL_REFUSED', 'STORAGE_FULL', 'MICROSOFT_UNREACHABLE', 'NO_WORKER'));
