delete from alarm where kind = 'MICROSOFT_UNREACHABLE';
alter table alarm drop constraint alarm_kind;
alter table alarm add constraint alarm_kind check (kind in ('RUN_FAILING', 'RECONNECT_NEEDED', 'CHANGES_HELD', 'EVIDENCE_TURNED_BAD',
    'CREDENTIAL_EXPIRING', 'CREDENTIAL_REFUSED', 'STORAGE_FULL', 'NO_WORKER'));
alter table sync_run drop column outage;
