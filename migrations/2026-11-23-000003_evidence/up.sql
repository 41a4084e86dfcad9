-- What was true of a tenant, kept so that nobody can change it afterwards, ourselves included.
--
-- Rows are only added. A row says what a run saw *new*: what it does not mention is as it was. No table refers to
-- another by a foreign key, for the check of one needs the right to update what it points at, and nobody has that.
-- Companies are purged, their evidence only through retention's door: hence no cascade either.

create table evidence_blob (
    company_id uuid not null,
    sha256     bytea not null constraint evidence_blob_sha256_is_one check (length(sha256) = 32),
    size       integer not null,
    content    bytea not null,
    constraint evidence_blob_pkey primary key (company_id, sha256)
);
comment on table evidence_blob is 'Content by the SHA-256 of its canonical form, deflated. The same content is kept once for each company, and never shared between companies: a shared hash would tell one of the other.';
comment on column evidence_blob.size is 'Bytes of the canonical form.';
alter table evidence_blob alter column content set storage external;

create table evidence_run (
    id              uuid primary key,
    company_id      uuid not null,
    seq             bigint not null constraint evidence_run_seq_counts_from_one check (seq > 0),
    taken_at        timestamptz not null,
    kept_at         timestamptz not null,
    granted_roles   text[] not null,
    app_version     text not null,
    pulls_sha256    bytea not null,
    objects_sha256  bytea not null,
    results_sha256  bytea not null,
    findings_sha256 bytea not null,
    sha256          bytea not null,
    constraint evidence_run_has_its_place unique (company_id, seq)
);
comment on table evidence_run is 'A sync_run of kind EVIDENCE that was kept. Each …_sha256 is the hash over the hashes of the rows that it added to that table, in byte order; sha256 is over the row and is what the ledger holds.';
comment on column evidence_run.taken_at is 'When it began to read; what was true "as of" an instant is what the last run taken at or before it saw.';
create index evidence_run_by_time on evidence_run (company_id, taken_at desc, id desc);

create table evidence_pull (
    company_id        uuid not null,
    seq               bigint not null,
    resource          text not null,
    request           text not null,
    permission        text not null,
    started_at        timestamptz not null,
    finished_at       timestamptz not null,
    pages             integer not null,
    last_page_reached boolean not null,
    items             bigint not null,
    witness_count     bigint,
    witness_source    text,
    request_ids       text[] not null,
    outcome           text not null constraint evidence_pull_outcome
        check (outcome in ('COMPLETE', 'PARTIAL', 'PERMISSION_MISSING', 'LICENCE_MISSING', 'THROTTLED', 'ERROR')),
    refusal_code      text,
    refusal_message   text,
    state_sha256      bytea,
    volatile_sha256   bytea,
    sha256            bytea not null,
    constraint evidence_pull_pkey primary key (company_id, seq, resource),
    constraint evidence_pull_whole_has_a_state check ((outcome = 'COMPLETE' and last_page_reached) = (state_sha256 is not null)),
    constraint evidence_pull_witness_names_its_source check ((witness_count is null) = (witness_source is null))
);
comment on table evidence_pull is 'How a run read one resource.';
comment on column evidence_pull.state_sha256 is 'Over the id and content hash of every object that was read, by id; only what was read whole has one.';
comment on column evidence_pull.volatile_sha256 is 'The blob with the fields that change at every reading, by object. The first to go: 90 days.';
create index evidence_pull_by_volatile on evidence_pull (company_id, volatile_sha256) where volatile_sha256 is not null;

create table evidence_object (
    company_id     uuid not null,
    resource       text not null,
    object_id      text not null,
    seq            bigint not null,
    at             timestamptz not null,
    change         text not null constraint evidence_object_change check (change in ('ADDED', 'CHANGED', 'REMOVED')),
    content_sha256 bytea,
    state          text,
    sha256         bytea not null,
    constraint evidence_object_pkey primary key (company_id, resource, object_id, seq),
    constraint evidence_object_removed_has_no_content check ((change = 'REMOVED') = (content_sha256 is null))
);
comment on table evidence_object is 'The history of each object: a row only where a whole reading saw it come, change or go.';
comment on column evidence_object.at is 'When the run was taken; it happened after the run before.';
comment on column evidence_object.state is 'The word that a conditional access policy or a device is in, as Microsoft writes it.';
create index evidence_object_by_run on evidence_object (company_id, seq);

create table evidence_population (
    company_id uuid not null,
    sha256     bytea not null constraint evidence_population_sha256_is_one check (length(sha256) = 32),
    size       bigint not null,
    chunks     bytea[] not null,
    constraint evidence_population_pkey primary key (company_id, sha256)
);
comment on table evidence_population is 'Who was judged: a set of ids by the SHA-256 of the sorted list. It lies in chunks, by the hash of the id, so that one who comes or goes costs one chunk.';

create table evidence_result (
    company_id    uuid not null,
    check_id      text not null,
    seq           bigint not null,
    at            timestamptz not null,
    version       integer not null,
    logic_sha256  text not null,
    status        text not null constraint evidence_result_status
        check (status in ('PASS', 'FAIL', 'NEEDS_REVIEW', 'NOT_APPLICABLE', 'INDETERMINATE')),
    population    bigint not null,
    passed        bigint not null,
    failed        bigint not null,
    excepted      bigint not null,
    review        bigint not null,
    not_evaluated bigint not null,
    populations   bytea[] not null,
    detail_sha256 bytea not null,
    sha256        bytea not null,
    constraint evidence_result_pkey primary key (company_id, check_id, seq),
    constraint evidence_result_counts_are_counts check (least(passed, failed, excepted, review, not_evaluated) >= 0),
    constraint evidence_result_counts_add_up check (population = passed + failed + excepted + review + not_evaluated),
    constraint evidence_result_pass_is_of_somebody
        check (status <> 'PASS' or (population > 0 and failed = 0 and review = 0 and not_evaluated = 0)),
    constraint evidence_result_fail_is_of_somebody check (status <> 'FAIL' or failed > 0)
);
comment on table evidence_result is 'What each check said in each run. The reason, the parameters, the facts and the statements of completeness are in the blob detail_sha256.';
create index evidence_result_by_run on evidence_result (company_id, seq);
create index evidence_result_by_check on evidence_result (check_id, company_id, seq desc);

create table evidence_finding (
    company_id    uuid not null,
    check_id      text not null,
    resource      text not null,
    object_id     text not null,
    seq           bigint not null,
    at            timestamptz not null,
    opened_at     timestamptz not null,
    state         text not null constraint evidence_finding_state check (state in ('OPEN', 'NOT_EVALUATED', 'CLOSED')),
    kind          text not null constraint evidence_finding_kind check (kind in ('FAILED', 'REVIEW', 'EXCEPTED', 'NOT_EVALUATED')),
    detail_sha256 bytea not null,
    sha256        bytea not null,
    constraint evidence_finding_pkey primary key (company_id, check_id, resource, object_id, seq)
);
comment on table evidence_finding is 'What became of each finding: a row only where it opened, said something else, could not be looked at, or closed.';
comment on column evidence_finding.opened_at is 'Since when it has been there; a run that could not look at it does not begin it anew.';
comment on column evidence_finding.kind is 'What was last said of the object.';
create index evidence_finding_by_run on evidence_finding (company_id, seq);

create table evidence_declaration (
    id          uuid primary key,
    company_id  uuid not null,
    kind        text not null constraint evidence_declaration_kind
        check (kind in ('EXCEPTION', 'EMERGENCY_ACCOUNT', 'NON_PERSON_ACCOUNT', 'CHANGE', 'NO_DEVICES', 'SIX_YEARS')),
    check_id    text,
    object_id   text,
    owner       text not null constraint evidence_declaration_owner_is_not_blank check (btrim(owner) <> ''),
    reason      text not null constraint evidence_declaration_reason_is_not_blank check (btrim(reason) <> ''),
    reference   text,
    changed_at  timestamptz,
    expires_at  timestamptz,
    declared_by text not null,
    declared_at timestamptz not null,
    sha256      bytea not null,
    constraint evidence_declaration_names_its_check check ((kind = 'EXCEPTION') = (check_id is not null)),
    constraint evidence_declaration_names_its_object check ((kind in ('NO_DEVICES', 'SIX_YEARS')) = (object_id is null)),
    constraint evidence_declaration_of_a_change check ((kind = 'CHANGE') = (reference is not null and changed_at is not null)),
    constraint evidence_declaration_ends
        check (kind not in ('EXCEPTION', 'EMERGENCY_ACCOUNT', 'NON_PERSON_ACCOUNT')
            or (expires_at > declared_at and expires_at <= declared_at + interval '400 days'))
);
comment on table evidence_declaration is 'What people state about a company, with an owner and a reason. It never takes anybody out of a population.';
create index evidence_declaration_by_company on evidence_declaration (company_id, declared_at desc, id desc);

create table evidence_withdrawal (
    declaration_id uuid primary key,
    company_id     uuid not null,
    withdrawn_by   text not null,
    withdrawn_at   timestamptz not null,
    sha256         bytea not null
);
comment on table evidence_withdrawal is 'A declaration that no longer holds.';
create index evidence_withdrawal_by_company on evidence_withdrawal (company_id);

create table evidence_tombstone (
    id              uuid primary key,
    company_id      uuid not null,
    class           text not null constraint evidence_tombstone_class check (class in ('RAW', 'HISTORY', 'COMPANY')),
    through_seq     bigint not null,
    through_at      timestamptz not null,
    at              timestamptz not null,
    rows            bigint not null,
    blobs           bigint not null,
    objects_sha256  bytea not null,
    findings_sha256 bytea not null,
    others_sha256   bytea not null,
    ledger_seq      bigint not null,
    ledger_sha256   bytea not null
);
comment on table evidence_tombstone is 'What retention has removed: everything of its class up to a run, and how much.';
comment on column evidence_tombstone.through_at is 'The horizon: everything of its class that was over before it is gone.';
comment on column evidence_tombstone.objects_sha256 is 'Over the rows of evidence_object up to through_seq that stay, because they still say how things stand; findings_sha256 likewise; others_sha256 over declarations, withdrawals and tombstones that outlive their link of the ledger.';
comment on column evidence_tombstone.ledger_seq is 'The last link that went, and its hash: from there the chain goes on.';
create index evidence_tombstone_by_company on evidence_tombstone (company_id, through_seq);

create table evidence_ledger (
    company_id     uuid not null,
    seq            bigint not null,
    kind           text not null constraint evidence_ledger_kind check (kind in ('RUN', 'DECLARATION', 'WITHDRAWAL', 'TOMBSTONE')),
    held_id        uuid not null,
    content_sha256 bytea not null constraint evidence_ledger_content_is_a_hash check (length(content_sha256) = 32),
    at             timestamptz not null,
    previous       bytea not null constraint evidence_ledger_previous_is_a_hash check (length(previous) = 32),
    sha256         bytea not null constraint evidence_ledger_sha256_is_a_hash check (length(sha256) = 32),
    constraint evidence_ledger_pkey primary key (company_id, seq),
    constraint evidence_ledger_holds_each_once unique (company_id, kind, held_id)
);
comment on table evidence_ledger is 'The chain of a company: each link holds the hash of the one before. Hashes and ids of ours alone, nothing personal.';

-- A link that does not fit the one before is refused, whoever forged it. No sequential scan: the plan that suits an
-- empty table is cached, and would be kept for a long one.
create function refuse_a_loose_link() returns trigger language plpgsql set enable_seqscan = off as $$
declare
    last record;
begin
    select seq, sha256 into last from evidence_ledger where company_id = new.company_id order by seq desc limit 1;
    if found and (new.seq <> last.seq + 1 or new.previous <> last.sha256) then
        raise exception 'a link of the ledger of % does not fit the one before', new.company_id using errcode = 'integrity_constraint_violation';
    end if;
    return new;
end $$;
create trigger evidence_ledger_is_a_chain before insert on evidence_ledger for each row execute function refuse_a_loose_link();
alter table evidence_ledger enable always trigger evidence_ledger_is_a_chain;

-- Nobody has the right to change evidence, and whoever takes it meets the triggers. One role may remove, and it acts
-- in retire_evidence alone, which leaves a tombstone.
do $$
begin
    if not exists (select from pg_roles where rolname = 'tenantry_retention') then
        create role tenantry_retention nologin;
    end if;
exception
    when duplicate_object or unique_violation then null; -- another database of this server was quicker
    when insufficient_privilege then
        raise exception 'this role may not create roles: as an administrator, run: create role tenantry_retention nologin; grant tenantry_retention to %', current_user;
end $$;

create function refuse_change_of_evidence() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and current_user = 'tenantry_retention' then
        return old;
    end if;
    raise exception '% on % is refused: evidence is append-only', tg_op, tg_table_name using errcode = 'insufficient_privilege';
end $$;

do $$
declare
    kept text;
begin
    foreach kept in array array['evidence_blob', 'evidence_run', 'evidence_pull', 'evidence_object', 'evidence_population', 'evidence_result',
                                'evidence_finding', 'evidence_declaration', 'evidence_withdrawal', 'evidence_tombstone', 'evidence_ledger'] loop
        execute format('create trigger %I before update or delete on %I for each row execute function refuse_change_of_evidence()', kept || '_is_append_only', kept);
        execute format('create trigger %I before truncate on %I for each statement execute function refuse_change()', kept || '_is_not_emptied', kept);
        execute format('alter table %I enable always trigger %I', kept, kept || '_is_append_only');
        execute format('alter table %I enable always trigger %I', kept, kept || '_is_not_emptied');
        execute format('revoke update, delete, truncate on %I from current_user', kept);
        execute format('grant select, delete on %I to tenantry_retention', kept);
        execute format('grant select on %I to tenantry_viewer', kept);
        execute format('alter table %I enable row level security', kept);
        execute format('create policy %I on %I for select to tenantry_viewer using (company_id = any ((select viewer_companies())::uuid[]) and (select viewer_sees_everybody()))',
                       kept || '_in_view', kept);
        execute format('create policy %I on %I for all to tenantry_retention using (true)', kept || '_in_retention', kept);
    end loop;
end $$;
grant insert on evidence_tombstone to tenantry_retention;

-- Which runs there should have been is part of what the evidence says.
alter table sync_slot enable row level security;
create policy sync_slot_in_view on sync_slot for select to tenantry_viewer
    using (company_id = any ((select viewer_companies())::uuid[]) and (select viewer_sees_everybody()));
grant select on sync_slot to tenantry_viewer;

-- Removes everything of a class up to a run, and says so. What `stands` is the last row of an object or of a finding,
-- unless it is gone. The hashes over what stays come from the caller, who links the tombstone into the ledger.
create function retire_evidence(
    tombstone uuid, of_company uuid, of_class text, through bigint, horizon timestamptz, now timestamptz, what_stands_stays boolean,
    objects bytea, findings bytea, others bytea, link_seq bigint, link bytea
) returns evidence_tombstone language plpgsql security definer set search_path = public, pg_temp as $$
declare
    retired bigint := 0;
    dropped bigint := 0;
    counted bigint;
    left_behind evidence_tombstone;
begin
    if of_class = 'RAW' then
        delete from evidence_blob b
        using evidence_pull p
        where p.company_id = of_company and p.seq <= through and b.company_id = of_company and b.sha256 = p.volatile_sha256
          and not exists (select from evidence_pull later
                          where later.company_id = of_company and later.volatile_sha256 = b.sha256 and later.seq > through);
        get diagnostics dropped = row_count;
    else
        delete from evidence_object o
        where o.company_id = of_company and o.seq <= through
          and (not what_stands_stays or o.change = 'REMOVED'
               or exists (select from evidence_object later
                          where later.company_id = o.company_id and later.resource = o.resource and later.object_id = o.object_id
                            and later.seq > o.seq and later.seq <= through));
        get diagnostics counted = row_count;
        retired := retired + counted;
        delete from evidence_finding f
        where f.company_id = of_company and f.seq <= through
          and (not what_stands_stays or f.state = 'CLOSED'
               or exists (select from evidence_finding later
                          where later.company_id = f.company_id and later.check_id = f.check_id and later.resource = f.resource
                            and later.object_id = f.object_id and later.seq > f.seq and later.seq <= through));
        get diagnostics counted = row_count;
        retired := retired + counted;
        delete from evidence_result where company_id = of_company and seq <= through;
        get diagnostics counted = row_count;
        retired := retired + counted;
        delete from evidence_pull where company_id = of_company and seq <= through;
        get diagnostics counted = row_count;
        retired := retired + counted;
        delete from evidence_run where company_id = of_company and seq <= through;
        get diagnostics counted = row_count;
        retired := retired + counted;
        delete from evidence_declaration d
        where d.company_id = of_company
          and (of_class = 'COMPANY' or d.expires_at < horizon
               or (d.kind = 'CHANGE' and d.changed_at < horizon)
               or exists (select from evidence_withdrawal w where w.declaration_id = d.id and w.withdrawn_at < horizon));
        get diagnostics counted = row_count;
        retired := retired + counted;
        delete from evidence_withdrawal w
        where w.company_id = of_company and not exists (select from evidence_declaration d where d.id = w.declaration_id);
        get diagnostics counted = row_count;
        retired := retired + counted;
        delete from evidence_ledger where company_id = of_company and seq <= link_seq;
        get diagnostics counted = row_count;
        retired := retired + counted;
        delete from evidence_population p
        where p.company_id = of_company
          and not exists (select from evidence_result r where r.company_id = of_company and r.populations @> array[p.sha256]);
        get diagnostics counted = row_count;
        retired := retired + counted;
        with used (sha256) as (
            select content_sha256 from evidence_object where company_id = of_company and content_sha256 is not null
            union select detail_sha256 from evidence_finding where company_id = of_company
            union select detail_sha256 from evidence_result where company_id = of_company
            union select volatile_sha256 from evidence_pull where company_id = of_company and volatile_sha256 is not null
            union select unnest(chunks) from evidence_population where company_id = of_company
        )
        delete from evidence_blob b
        where b.company_id = of_company and not exists (select from used where used.sha256 = b.sha256);
        get diagnostics dropped = row_count;
    end if;
    insert into evidence_tombstone values (
        tombstone, of_company, of_class, through, horizon, now, retired, dropped, objects, findings, others, link_seq, link)
    returning * into left_behind;
    return left_behind;
end $$;

-- Hands the function to the role that may remove, and lets go of that role.
do $$
declare
    -- From Postgres 16 on, whoever made a role is its member in name and may not become it without being told so.
    knows_set boolean := current_setting('server_version_num')::int >= 160000;
    was_member boolean := pg_has_role(current_user, 'tenantry_retention', case when knows_set then 'SET' else 'MEMBER' end);
begin
    if not was_member then
        execute format('grant tenantry_retention to %I', current_user) || case when knows_set then ' with set true' else '' end;
    end if;
    grant usage, create on schema public to tenantry_retention;
    alter function retire_evidence owner to tenantry_retention;
    revoke create on schema public from tenantry_retention;
    revoke all on function retire_evidence from public;
    execute format('grant execute on function retire_evidence to %I', current_user);
    if not was_member then
        execute format('revoke tenantry_retention from %I', current_user);
    end if;
end $$;
