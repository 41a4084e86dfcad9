drop table graph_share;
drop table credential_in_use;
delete from alarm_event where what = 'CHANGED';
alter table alarm_event drop constraint alarm_event_what;
alter table alarm_event add constraint alarm_event_what check (what in ('OPENED', 'CLOSED'));
