-- Whether a check that has passed fails now, where the look for alarms finds it without reading the history.

create table evidence_verdict (
    company_id uuid not null constraint evidence_verdict_company references company on delete cascade,
    check_id   text not null,
    fails      boolean not null,
    has_passed boolean not null,
    constraint evidence_verdict_pkey primary key (company_id, check_id)
);
comment on table evidence_verdict is 'The last verdict of each check that was one, PASS or FAIL. Follows from evidence_result, and is no evidence itself.';

-- A trigger, so that what an older version keeps meanwhile is noted too. The runs of a company are kept in their order.
create function note_verdicts() returns trigger language plpgsql as $$
begin
    insert into evidence_verdict as known (company_id, check_id, fails, has_passed)
    select distinct on (company_id, check_id) company_id, check_id, status = 'FAIL', status = 'PASS'
    from fresh where status in ('PASS', 'FAIL')
    order by company_id, check_id, seq desc
    on conflict (company_id, check_id) do update
        set fails = excluded.fails, has_passed = known.has_passed or excluded.has_passed
        where known.fails <> excluded.fails or excluded.has_passed and not known.has_passed;
    return null;
end $$;
create trigger note_verdicts after insert on evidence_result
    referencing new table as fresh for each statement execute function note_verdicts();

insert into evidence_verdict (company_id, check_id, fails, has_passed)
select company_id, check_id, (array_agg(status order by seq desc))[1] = 'FAIL', bool_or(status = 'PASS')
from evidence_result where status in ('PASS', 'FAIL') group by company_id, check_id;

-- A database without room is one alarm, and not one of each company.
alter table alarm drop constraint alarm_kind;
alter table alarm add constraint alarm_kind check (kind in ('RUN_FAILING', 'RECONNECT_NEEDED', 'CHANGES_HELD', 'EVIDENCE_TURNED_BAD',
    'CREDENTIAL_EXPIRING', 'CREDENTIAL_REFUSED', 'STORAGE_FULL', 'NO_WORKER'));
