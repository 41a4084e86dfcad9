-- How a company is run: when, how carefully, and for how long that is remembered.

create table sync_schedule (
    company_id  uuid not null constraint sync_schedule_company references company on delete cascade,
    kind        text not null constraint sync_schedule_kind check (kind in ('IDENTITY', 'EVIDENCE')),
    since       timestamptz not null,
    every_hours integer not null constraint sync_schedule_fits_the_day check (
        case kind when 'IDENTITY' then every_hours in (4, 8, 12, 24) else every_hours in (6, 12, 24) end),
    paused      boolean not null,
    constraint sync_schedule_pkey primary key (company_id, kind, since)
);
comment on table sync_schedule is 'Which slots of the clock a company takes, from when on; the newest row holds. Older ones say which runs there should have been. None: every slot of the kind.';

alter table sync_slot add column passed_over text;
comment on column sync_slot.passed_over is 'Why no run was queued for it, in words for people; null for a slot that has a run.';
-- Runs are removed when they are old, and their slots with them.
create index sync_slot_by_run on sync_slot (run_id);

create table sync_guard (
    company_id uuid primary key constraint sync_guard_company references company on delete cascade,
    percent    integer not null constraint sync_guard_percent check (percent between 0 and 50),
    at_least   integer not null constraint sync_guard_at_least check (at_least between 0 and 100),
    at_most    integer not null constraint sync_guard_at_most check (at_most between 1 and 100000),
    updated_at timestamptz not null default now(),
    constraint sync_guard_is_in_order check (at_least <= at_most)
);
comment on table sync_guard is 'From how many deactivations of a kind on a company wants to be asked; none: from more than the larger of 10 and 10 %, or 500.';

do $$
declare
    shown text;
begin
    foreach shown in array array['sync_schedule', 'sync_guard'] loop
        execute format('alter table %I enable row level security', shown);
        execute format('create policy %I on %I for select to tenantry_viewer using (company_id = any ((select viewer_companies())::uuid[]) and (select viewer_sees_everybody()))',
                       shown || '_in_view', shown);
        execute format('grant select on %I to tenantry_viewer', shown);
    end loop;
end $$;

alter table tenant add column large boolean not null default true;
comment on column tenant.large is 'Whether its runs may hold a worker''s place for long: many people, or nobody knows yet. Noted when its people are synced.';
update tenant set large = (select count(*) > 10000 from contact where contact.company_id = tenant.company_id and contact.state = 'ACTIVE')
where exists (select from sync_state where sync_state.company_id = tenant.company_id and sync_state.collection = 'PEOPLE');
