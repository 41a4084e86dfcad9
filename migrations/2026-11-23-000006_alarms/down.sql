alter table tenant drop column granted_roles, drop column granted_at;
alter table sync_run drop column trace_parent;
drop table alarm_event;
drop table alarm;
