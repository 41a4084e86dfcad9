-- Whose turn it is to look for alarms: one process looks for all, and of two versions side by side the newer one.

create table alarm_look (
    one_row  boolean not null default true constraint alarm_look_pkey primary key,
    version  text not null,
    taken_at timestamptz not null,
    constraint alarm_look_one_row check (one_row)
);
comment on table alarm_look is 'Who looked for alarms last: its newest migration, and when. The same facts mean other alarms to another version.';
