alter table tenant drop column large;
drop table sync_guard;
drop index sync_slot_by_run;
alter table sync_slot drop column passed_over;
drop table sync_schedule;
