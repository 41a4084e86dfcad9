// @generated from the migrations; `tests` compare it with a migrated database.

diesel::table! {
    company (id) {
        id -> Uuid,
        external_id -> Nullable<Text>,
        name -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    tenant (company_id) {
        company_id -> Uuid,
        entra_tenant_id -> Nullable<Uuid>,
        status -> Text,
        display_name -> Nullable<Text>,
        domain -> Nullable<Text>,
        consented_by -> Nullable<Text>,
        consented_oid -> Nullable<Uuid>,
        role_proven -> Nullable<Bool>,
        connected_at -> Nullable<Timestamptz>,
        status_reason -> Nullable<Text>,
        expected_domain -> Nullable<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    connect_ticket (secret_hash) {
        secret_hash -> Bytea,
        company_id -> Uuid,
        requested_by -> Text,
        return_to -> Text,
        expected_domain -> Nullable<Text>,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    sign_in_flow (state_hash) {
        state_hash -> Bytea,
        browser_hash -> Bytea,
        purpose -> Text,
        company_id -> Nullable<Uuid>,
        details -> Jsonb,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    staff_session (id) {
        id -> Uuid,
        secret_hash -> Bytea,
        tid -> Uuid,
        oid -> Uuid,
        name -> Text,
        sid -> Nullable<Text>,
        login_hint -> Nullable<Text>,
        created_at -> Timestamptz,
        last_seen_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    service_token (id) {
        id -> Uuid,
        secret_hash -> Bytea,
        name -> Text,
        created_by -> Text,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    contact (id) {
        id -> Uuid,
        company_id -> Uuid,
        entra_id -> Uuid,
        state -> Text,
        deactivated_because -> Nullable<Text>,
        account_enabled -> Nullable<Bool>,
        display_name -> Nullable<Text>,
        mail -> Nullable<Text>,
        user_principal_name -> Nullable<Text>,
        department -> Nullable<Text>,
        job_title -> Nullable<Text>,
        business_phones -> Array<Text>,
        mobile_phone -> Nullable<Text>,
        user_type -> Nullable<Text>,
        licensed -> Bool,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    contact_group (id) {
        id -> Uuid,
        company_id -> Uuid,
        entra_id -> Uuid,
        state -> Text,
        display_name -> Nullable<Text>,
        description -> Nullable<Text>,
        mail -> Nullable<Text>,
        mail_enabled -> Bool,
        security_enabled -> Bool,
        microsoft_365 -> Bool,
        group_kind -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    contact_group_member (company_id, group_entra_id, member_entra_id) {
        company_id -> Uuid,
        group_entra_id -> Uuid,
        member_entra_id -> Uuid,
        member_kind -> Text,
    }
}

diesel::table! {
    asset (id) {
        id -> Uuid,
        company_id -> Uuid,
        entra_id -> Uuid,
        azure_ad_device_id -> Nullable<Uuid>,
        state -> Text,
        hostname -> Nullable<Text>,
        operating_system -> Nullable<Text>,
        os_version -> Nullable<Text>,
        serial_number -> Nullable<Text>,
        compliance_state -> Nullable<Text>,
        is_encrypted -> Nullable<Bool>,
        owner_type -> Nullable<Text>,
        manufacturer -> Nullable<Text>,
        model -> Nullable<Text>,
        last_check_in_at -> Nullable<Timestamptz>,
        enrolled_at -> Nullable<Timestamptz>,
        user_entra_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    sync_rules (company_id) {
        company_id -> Uuid,
        include_guests -> Bool,
        licensed_only -> Bool,
        only_groups -> Array<Uuid>,
        exclude_patterns -> Array<Text>,
        version -> BigInt,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    sync_state (company_id, collection) {
        company_id -> Uuid,
        collection -> Text,
        entra_tenant_id -> Uuid,
        delta_link -> Text,
        selection -> Text,
        rules_version -> BigInt,
        full_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    sync_run (id) {
        id -> Uuid,
        company_id -> Uuid,
        kind -> Text,
        trigger -> Text,
        mode -> Text,
        dry_run -> Bool,
        rules -> Nullable<Jsonb>,
        status -> Text,
        stage -> Nullable<Text>,
        message -> Text,
        progress -> Nullable<Integer>,
        counts -> Jsonb,
        stages -> Jsonb,
        requests -> BigInt,
        failure -> Nullable<Jsonb>,
        requested_by -> Text,
        queued_at -> Timestamptz,
        started_at -> Nullable<Timestamptz>,
        finished_at -> Nullable<Timestamptz>,
        not_before -> Timestamptz,
        revision -> BigInt,
        fence -> BigInt,
        lease_owner -> Nullable<Text>,
        lease_until -> Nullable<Timestamptz>,
        crashes -> Integer,
        checkpoint -> Nullable<Jsonb>,
    }
}

diesel::table! {
    sync_slot (company_id, kind, slot) {
        company_id -> Uuid,
        kind -> Text,
        slot -> Timestamptz,
        run_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    sync_change (run_id, noun, record_id) {
        run_id -> Uuid,
        noun -> Text,
        record_id -> Uuid,
        action -> Text,
        name -> Nullable<Text>,
        fields -> Nullable<Jsonb>,
    }
}

diesel::table! {
    held_change (run_id, noun, record_id) {
        run_id -> Uuid,
        company_id -> Uuid,
        noun -> Text,
        record_id -> Uuid,
        name -> Nullable<Text>,
        because -> Text,
        decision -> Text,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    outbox (seq) {
        seq -> BigInt,
        company_id -> Uuid,
        run_id -> Uuid,
        kind -> Text,
        snapshot -> Jsonb,
        created_at -> Timestamptz,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    company,
    tenant,
    connect_ticket,
    sign_in_flow,
    staff_session,
    service_token,
    contact,
    contact_group,
    contact_group_member,
    asset,
    sync_rules,
    sync_state,
    sync_run,
    sync_slot,
    sync_change,
    held_change,
    outbox
);
