-- The house's first tables. Theirs is `entra_id`, ours is `id` (UUIDv7). Every constraint and index has a name:
-- errors are told apart by it.

create table company (
    id          uuid primary key,
    external_id text,
    name        text not null constraint company_name_is_not_blank check (btrim(name) <> ''),
    created_at  timestamptz not null default now(),
    constraint company_external_id_is_unique unique (external_id)
);
comment on table company is 'A client of the MSP, as the PSA knows it.';
comment on column company.external_id is 'The PSA''s own id.';

create table tenant (
    company_id      uuid primary key constraint tenant_company references company on delete cascade,
    entra_tenant_id uuid,
    status          text not null constraint tenant_status check (status in ('CONSENT_PENDING', 'CONNECTED', 'RECONNECT_NEEDED', 'DISCONNECTED')),
    display_name    text,
    domain          text,
    consented_by    text,
    consented_oid   uuid,
    role_proven     boolean,
    connected_at    timestamptz,
    status_reason   text,
    expected_domain text,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint tenant_connected_has_an_id check (status not in ('CONNECTED', 'RECONNECT_NEEDED') or entra_tenant_id is not null)
);
comment on table tenant is 'The Microsoft Entra tenant of a company (one to one).';
comment on column tenant.status_reason is 'Why it is not CONNECTED, in words for people.';
comment on column tenant.expected_domain is 'A domain that the tenant has to own, asked for when it was connected and not yet seen to hold.';
comment on column tenant.role_proven is 'Whether the sign-in showed that the administrator holds a role that may consent; false: to be read with the application''s own token.';
comment on column tenant.consented_by is 'Display name of the administrator who consented; consented_oid is their object id in the tenant.';
create unique index one_company_per_tenant on tenant (entra_tenant_id) where status in ('CONNECTED', 'RECONNECT_NEEDED');

create table connect_ticket (
    secret_hash     bytea primary key,
    company_id      uuid not null constraint connect_ticket_company references company on delete cascade,
    requested_by    text not null,
    return_to       text not null,
    expected_domain text,
    expires_at      timestamptz not null
);
comment on table connect_ticket is 'A single-use link that starts a consent; removed when it is used.';

create table sign_in_flow (
    state_hash   bytea primary key,
    browser_hash bytea not null,
    purpose      text not null constraint sign_in_flow_purpose check (purpose in ('STAFF_SIGN_IN', 'CONNECT_SIGN_IN', 'CONNECT_CONSENT')),
    company_id   uuid constraint sign_in_flow_company references company on delete cascade,
    details      jsonb not null,
    expires_at   timestamptz not null
);
comment on table sign_in_flow is 'One way to Microsoft and back, bound to the browser that began it; removed when it comes back.';

create table staff_session (
    id           uuid primary key,
    secret_hash  bytea not null constraint staff_session_secret_is_unique unique,
    tid          uuid not null,
    oid          uuid not null,
    name         text not null,
    sid          text,
    login_hint   text,
    created_at   timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    expires_at   timestamptz not null
);
create index staff_session_by_sid on staff_session (sid) where sid is not null;

create table service_token (
    id           uuid primary key,
    secret_hash  bytea not null constraint service_token_secret_is_unique unique,
    name         text not null,
    created_by   text not null,
    created_at   timestamptz not null default now(),
    expires_at   timestamptz not null,
    revoked_at   timestamptz
);

create table contact (
    id                  uuid not null,
    company_id          uuid not null constraint contact_company references company on delete cascade,
    entra_id            uuid not null,
    state               text not null constraint contact_state check (state in ('ACTIVE', 'DEACTIVATED')),
    deactivated_because text constraint contact_deactivated_because check (deactivated_because in ('LEFT', 'RULED_OUT')),
    account_enabled     boolean,
    display_name        text,
    mail                text,
    user_principal_name text,
    department          text,
    job_title           text,
    business_phones     text[] not null,
    mobile_phone        text,
    user_type           text,
    licensed            boolean not null,
    created_at          timestamptz not null,
    updated_at          timestamptz not null,
    constraint contact_pkey primary key (id),
    constraint contact_identity unique (company_id, entra_id),
    constraint contact_reason_goes_with_state check ((state = 'DEACTIVATED') = (deactivated_because is not null))
);
comment on table contact is 'A person found in a tenant (Graph user).';
comment on column contact.state is 'DEACTIVATED: left the tenant, or ruled out by a sync rule; apart from account_enabled, Microsoft''s own switch.';
create index contact_by_name on contact (company_id, left(lower(coalesce(display_name, '')), 256), id);

create table contact_group (
    id           uuid not null,
    company_id   uuid not null constraint contact_group_company references company on delete cascade,
    entra_id     uuid not null,
    state        text not null constraint contact_group_state check (state in ('ACTIVE', 'DEACTIVATED')),
    display_name text,
    description  text,
    mail         text,
    mail_enabled     boolean not null,
    security_enabled boolean not null,
    microsoft_365    boolean not null,
    group_kind   text not null generated always as (
        case when microsoft_365 then 'MICROSOFT_365'
             when security_enabled and mail_enabled then 'MAIL_ENABLED_SECURITY'
             when security_enabled then 'SECURITY'
             else 'DISTRIBUTION' end) stored,
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    constraint contact_group_pkey primary key (id),
    constraint contact_group_identity unique (company_id, entra_id)
);
comment on table contact_group is 'A group found in a tenant (Graph group).';
create index contact_group_by_name on contact_group (company_id, left(lower(coalesce(display_name, '')), 256), id);

create table contact_group_member (
    company_id      uuid not null constraint contact_group_member_company references company on delete cascade,
    group_entra_id  uuid not null,
    member_entra_id uuid not null,
    member_kind     text not null constraint contact_group_member_kind check (member_kind in ('USER', 'GROUP', 'OTHER')),
    constraint contact_group_member_pkey primary key (company_id, group_entra_id, member_entra_id)
);
comment on table contact_group_member is 'Direct membership, by Microsoft''s ids: a member may be told before, or without, the person or group it names.';
create index contact_group_member_by_member on contact_group_member (company_id, member_entra_id);

create table asset (
    id                 uuid not null,
    company_id         uuid not null constraint asset_company references company on delete cascade,
    entra_id           uuid not null,
    azure_ad_device_id uuid,
    state              text not null constraint asset_state check (state in ('ACTIVE', 'DEACTIVATED')),
    hostname           text,
    operating_system   text,
    os_version         text,
    serial_number      text,
    compliance_state   text,
    is_encrypted       boolean,
    owner_type         text,
    manufacturer       text,
    model              text,
    last_check_in_at   timestamptz,
    enrolled_at        timestamptz,
    user_entra_id      uuid,
    created_at         timestamptz not null,
    updated_at         timestamptz not null,
    constraint asset_pkey primary key (id),
    constraint asset_identity unique (company_id, entra_id)
);
comment on table asset is 'A device found in a tenant (Intune managedDevice).';
comment on column asset.entra_id is 'The Intune device id; a device that enrols again takes its asset along.';
comment on column asset.user_entra_id is 'The person it belongs to, by Entra object id.';
create index asset_by_name on asset (company_id, left(lower(coalesce(hostname, '')), 256), id);
create index asset_by_user on asset (company_id, user_entra_id);

create table sync_rules (
    company_id       uuid primary key constraint sync_rules_company references company on delete cascade,
    include_guests   boolean not null,
    licensed_only    boolean not null,
    only_groups      uuid[] not null,
    exclude_patterns text[] not null,
    version          bigint not null,
    updated_at       timestamptz not null default now()
);
comment on column sync_rules.only_groups is 'Entra ids of groups; when there are any, only their members (nested groups included) become contacts.';
comment on column sync_rules.version is 'Counts saved changes: people are read in full when it differs from sync_state.rules_version.';

create table sync_state (
    company_id      uuid not null constraint sync_state_company references company on delete cascade,
    collection      text not null constraint sync_state_collection check (collection in ('PEOPLE', 'GROUPS')),
    entra_tenant_id uuid not null,
    delta_link      text not null,
    selection       text not null,
    rules_version   bigint not null,
    full_at         timestamptz not null,
    updated_at      timestamptz not null,
    constraint sync_state_pkey primary key (company_id, collection)
);
comment on table sync_state is 'Where the next incremental read of a collection starts.';
comment on column sync_state.selection is 'The properties that the link was made with; another selection means a full read.';
comment on column sync_state.full_at is 'When the collection was last read in full.';

create table sync_run (
    id             uuid primary key,
    company_id     uuid not null constraint sync_run_company references company on delete cascade,
    kind           text not null constraint sync_run_kind check (kind in ('IDENTITY', 'EVIDENCE')),
    trigger        text not null constraint sync_run_trigger check (trigger in ('INITIAL', 'MANUAL', 'SCHEDULED')),
    mode           text not null constraint sync_run_mode check (mode in ('AUTO', 'FULL')),
    dry_run        boolean not null,
    rules          jsonb,
    status         text not null constraint sync_run_status check (status in ('QUEUED', 'RUNNING', 'WAITING', 'SUCCEEDED', 'PARTIAL', 'FAILED', 'CANCELLED')),
    stage          text,
    message        text not null,
    progress       integer constraint sync_run_progress check (progress between 0 and 100),
    counts         jsonb not null default '[]',
    stages         jsonb not null default '[]',
    requests       bigint not null default 0,
    failure        jsonb,
    requested_by   text not null,
    queued_at      timestamptz not null,
    started_at     timestamptz,
    finished_at    timestamptz,
    not_before     timestamptz not null,
    revision       bigint not null default 1,
    fence          bigint not null default 0,
    lease_owner    text,
    lease_until    timestamptz,
    crashes        integer not null default 0,
    checkpoint     jsonb,
    constraint sync_run_finished check ((status in ('SUCCEEDED', 'PARTIAL', 'FAILED', 'CANCELLED')) = (finished_at is not null))
);
comment on table sync_run is 'One attempt to bring one company up to date. The row is the truth; the job that points at it is a doorbell.';
comment on column sync_run.rules is 'Sync rules to try in a preview, in place of the saved ones.';
comment on column sync_run.revision is 'Counts the changes of this row, so that a subscriber can tell old from new.';
comment on column sync_run.fence is 'Counts claims: every write of a run carries the fence of its claim, and a writer whose fence is old stops.';
comment on column sync_run.checkpoint is 'Where a WAITING run goes on.';
comment on column sync_run.crashes is 'How many workers died while they held it.';
create unique index one_active_run_per_company on sync_run (company_id, kind, dry_run) where status in ('QUEUED', 'RUNNING', 'WAITING');
create index sync_run_by_company on sync_run (company_id, kind, queued_at desc, id desc);
create index sync_run_to_do on sync_run (not_before) where status in ('QUEUED', 'RUNNING', 'WAITING');

create table sync_slot (
    company_id uuid not null constraint sync_slot_company references company on delete cascade,
    kind       text not null constraint sync_slot_kind check (kind in ('IDENTITY', 'EVIDENCE')),
    slot       timestamptz not null,
    run_id     uuid constraint sync_slot_run references sync_run on delete cascade,
    constraint sync_slot_pkey primary key (company_id, kind, slot)
);
comment on table sync_slot is 'A tick of the clock for a company, taken once, whatever the number of nodes.';

create table sync_change (
    run_id     uuid not null constraint sync_change_run references sync_run on delete cascade,
    noun       text not null constraint sync_change_noun check (noun in ('CONTACT', 'CONTACT_GROUP', 'ASSET')),
    record_id  uuid not null,
    action     text not null constraint sync_change_action check (action in ('CREATED', 'UPDATED', 'REACTIVATED', 'DEACTIVATED')),
    name       text,
    fields     jsonb,
    constraint sync_change_pkey primary key (run_id, noun, record_id)
);
comment on column sync_change.fields is 'What changed: {"field": ["from", "to"]}; null for a record that is new.';
create index sync_change_by_record on sync_change (record_id, run_id);

create table held_change (
    run_id     uuid not null constraint held_change_run references sync_run on delete cascade,
    company_id uuid not null constraint held_change_company references company on delete cascade,
    noun       text not null constraint held_change_noun check (noun in ('CONTACT', 'CONTACT_GROUP', 'ASSET')),
    record_id  uuid not null,
    name       text,
    because    text not null constraint held_change_because check (because in ('LEFT', 'RULED_OUT')),
    decision   text not null constraint held_change_decision check (decision in ('HELD', 'RELEASED', 'DISCARDED', 'SUPERSEDED')),
    decided_by text,
    decided_at timestamptz,
    constraint held_change_pkey primary key (run_id, noun, record_id)
);
comment on table held_change is 'Deactivations that the guard did not let through, waiting for a person.';
create unique index one_open_hold_per_record on held_change (company_id, noun, record_id) where decision = 'HELD';

create table outbox (
    seq        bigint generated always as identity primary key,
    company_id uuid not null,
    run_id     uuid not null,
    kind       text not null,
    snapshot   jsonb not null,
    created_at timestamptz not null default now()
);
comment on table outbox is 'What subscribers are to be told: a whole SyncRun as it was when it changed, written in the transaction that changed it.';

-- Staging: pages as they came, keyed by run and fence. Unlogged: a run that loses them reads again.
create unlogged table staging (
    run_id uuid not null, fence bigint not null,
    constraint staging_pkey primary key (run_id, fence)
);
comment on table staging is 'Says that what a claim has staged is still there: a crash of the server empties every unlogged table, this one too.';
create unlogged table staged_person (
    run_id uuid not null, fence bigint not null, seq bigint not null,
    id uuid not null, entra_id uuid not null, removed boolean not null,
    told integer not null,
    account_enabled boolean, display_name text, mail text, user_principal_name text, department text, job_title text,
    business_phones text[], mobile_phone text, user_type text, licensed boolean,
    ruled_out boolean not null default false
);
comment on column staged_person.told is 'Bits of the properties that the item told; one not told keeps its stored value in an incremental read.';
create index staged_person_by_run on staged_person (run_id, fence);

create unlogged table staged_group (
    run_id uuid not null, fence bigint not null, seq bigint not null,
    id uuid not null, entra_id uuid not null, removed boolean not null,
    told integer not null,
    display_name text, description text, mail text, mail_enabled boolean, security_enabled boolean, microsoft_365 boolean,
    whole boolean not null default false
);
create index staged_group_by_run on staged_group (run_id, fence);

create unlogged table staged_member (
    run_id uuid not null, fence bigint not null, seq bigint not null,
    group_entra_id uuid not null, member_entra_id uuid not null, member_kind text not null, removed boolean not null
);
create index staged_member_by_run on staged_member (run_id, fence);

create unlogged table staged_device (
    run_id uuid not null, fence bigint not null, seq bigint not null,
    id uuid not null, entra_id uuid not null, azure_ad_device_id uuid,
    hostname text, operating_system text, os_version text, serial_number text, compliance_state text, is_encrypted boolean,
    owner_type text, manufacturer text, model text, last_check_in_at timestamptz, enrolled_at timestamptz, user_entra_id uuid,
    takes_over uuid
);
comment on column staged_device.takes_over is 'The Intune id of the earlier enrolment whose asset this device takes over.';
create index staged_device_by_run on staged_device (run_id, fence);
