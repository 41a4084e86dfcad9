delete from alarm where kind = 'STORAGE_FULL';
alter table alarm drop constraint alarm_kind;
alter table alarm add constraint alarm_kind check (kind in ('RUN_FAILING', 'RECONNECT_NEEDED', 'CHANGES_HELD', 'EVIDENCE_TURNED_BAD',
    'CREDENTIAL_EXPIRING', 'CREDENTIAL_REFUSED', 'NO_WORKER'));
drop trigger note_verdicts on evidence_result;
drop function note_verdicts();
drop table evidence_verdict;
