//! Devices become assets. Intune has no delta: they are listed whole each time, and only what changed is written.
//! The parameters are those of [`super::people`].
//!
//! The danger: a device that enrols again gets a new Intune id. It takes over the asset that it was, found by its Entra
//! device id or else by a serial number that can be believed; junk serial numbers, of which makers leave many, never
//! match.

use super::apply::Statements;

/// The last item about a device counts.
pub const FOLD: &str = "
    delete from staged_device s
    using (select entra_id, max(seq) as last_seq from staged_device where run_id = $2 and fence = $3
           group by entra_id having count(*) > 1) d
    where s.run_id = $2 and s.fence = $3 and s.entra_id = d.entra_id and s.seq < d.last_seq";

/// New ids take over assets that are absent from the same listing, by Entra device id.
pub const TAKE_OVER_BY_DEVICE: &str = "
    with pair as (
        select s.id, a.entra_id as earlier_id,
            row_number() over (partition by s.id order by a.updated_at desc, a.id) as nth_asset,
            row_number() over (partition by a.id order by s.enrolled_at desc nulls last, s.id) as nth_device
        from staged_device s
        join asset a on a.company_id = $1 and a.azure_ad_device_id = s.azure_ad_device_id
        where s.run_id = $2 and s.fence = $3
          and not exists (select from asset k where k.company_id = $1 and k.entra_id = s.entra_id)
          and not exists (select from staged_device k where k.run_id = $2 and k.fence = $3 and k.entra_id = a.entra_id))
    update staged_device s set takes_over = pair.earlier_id
    from pair
    where s.run_id = $2 and s.fence = $3 and s.id = pair.id and pair.nth_asset = 1 and pair.nth_device = 1";

/// Then by a serial number that only one device of that maker has, here and there.
pub const TAKE_OVER_BY_SERIAL: &str = "
    with believable as (
        select s.id, s.entra_id, lower(btrim(s.serial_number)) as serial, lower(btrim(s.manufacturer)) as maker, s.takes_over
        from staged_device s
        where s.run_id = $2 and s.fence = $3 and length(btrim(s.serial_number)) >= 5 and btrim(s.manufacturer) <> ''
          and s.serial_number ~ '[0-9]' and s.serial_number !~ '^\\s*(.)\\1*\\s*$'
          and lower(btrim(s.serial_number)) !~ '^(0*123456789.*|to be filled.*|default.*|system.*|not .*|none|n/a|unknown|o\\.e\\.m.*|oem.*|invalid.*|chassis.*|serial.*|.*x{5,}.*)$'),
    fresh as (
        select b.* from believable b
        where b.takes_over is null
          and not exists (select from asset k where k.company_id = $1 and k.entra_id = b.entra_id)
          and (select count(*) from believable o where o.serial = b.serial and o.maker = b.maker) = 1),
    pair as (
        select f.id, min(a.entra_id::text)::uuid as earlier_id
        from fresh f
        join asset a on a.company_id = $1 and lower(btrim(a.serial_number)) = f.serial and lower(btrim(a.manufacturer)) = f.maker
        where not exists (select from staged_device k where k.run_id = $2 and k.fence = $3 and a.entra_id in (k.entra_id, k.takes_over))
        group by f.id
        having count(*) = 1)
    update staged_device s set takes_over = pair.earlier_id
    from pair
    where s.run_id = $2 and s.fence = $3 and s.id = pair.id";

/// The plan for devices, and how it is carried out.
pub const STATEMENTS: Statements = Statements {
    count: "select count(*) as read, 0::bigint as skipped from staged_device where run_id = $2 and fence = $3",
    active: "select count(*) as count from asset where company_id = $1 and state = 'ACTIVE'",
    plan_created: "
        insert into sync_change (run_id, noun, record_id, action, name)
        select $2, 'ASSET', s.id, 'CREATED', s.hostname
        from staged_device s
        where s.run_id = $2 and s.fence = $3 and s.takes_over is null
          and not exists (select from asset a where a.company_id = $1 and a.entra_id = s.entra_id)",
    plan_updated: "
        insert into sync_change (run_id, noun, record_id, action, name, fields)
        select $2, 'ASSET', a.id, case when a.state = 'ACTIVE' then 'UPDATED' else 'REACTIVATED' end, s.hostname,
            jsonb_strip_nulls(jsonb_build_object(
                'state', case when a.state <> 'ACTIVE' then jsonb_build_array(a.state, 'ACTIVE') end,
                'entraId', case when a.entra_id <> s.entra_id then jsonb_build_array(a.entra_id, s.entra_id) end,
                'azureAdDeviceId', case when a.azure_ad_device_id is distinct from s.azure_ad_device_id then jsonb_build_array(a.azure_ad_device_id, s.azure_ad_device_id) end,
                'hostname', case when a.hostname is distinct from s.hostname then jsonb_build_array(a.hostname, s.hostname) end,
                'operatingSystem', case when a.operating_system is distinct from s.operating_system then jsonb_build_array(a.operating_system, s.operating_system) end,
                'osVersion', case when a.os_version is distinct from s.os_version then jsonb_build_array(a.os_version, s.os_version) end,
                'serialNumber', case when a.serial_number is distinct from s.serial_number then jsonb_build_array(a.serial_number, s.serial_number) end,
                'complianceState', case when a.compliance_state is distinct from s.compliance_state then jsonb_build_array(a.compliance_state, s.compliance_state) end,
                'isEncrypted', case when a.is_encrypted is distinct from s.is_encrypted then jsonb_build_array(a.is_encrypted, s.is_encrypted) end,
                'ownerType', case when a.owner_type is distinct from s.owner_type then jsonb_build_array(a.owner_type, s.owner_type) end,
                'manufacturer', case when a.manufacturer is distinct from s.manufacturer then jsonb_build_array(a.manufacturer, s.manufacturer) end,
                'model', case when a.model is distinct from s.model then jsonb_build_array(a.model, s.model) end,
                'lastCheckInAt', case when a.last_check_in_at is distinct from s.last_check_in_at then jsonb_build_array(a.last_check_in_at, s.last_check_in_at) end,
                'enrolledAt', case when a.enrolled_at is distinct from s.enrolled_at then jsonb_build_array(a.enrolled_at, s.enrolled_at) end,
                'userEntraId', case when a.user_entra_id is distinct from s.user_entra_id then jsonb_build_array(a.user_entra_id, s.user_entra_id) end))
        from staged_device s
        join asset a on a.company_id = $1 and a.entra_id = coalesce(s.takes_over, s.entra_id)
        where s.run_id = $2 and s.fence = $3
          and (a.state <> 'ACTIVE'
               or (a.entra_id, a.azure_ad_device_id, a.hostname, a.operating_system, a.os_version, a.serial_number, a.compliance_state,
                   a.is_encrypted, a.owner_type, a.manufacturer, a.model, a.last_check_in_at, a.enrolled_at, a.user_entra_id)
                  is distinct from
                  (s.entra_id, s.azure_ad_device_id, s.hostname, s.operating_system, s.os_version, s.serial_number, s.compliance_state,
                   s.is_encrypted, s.owner_type, s.manufacturer, s.model, s.last_check_in_at, s.enrolled_at, s.user_entra_id))",
    leaving: "
        with leaving as (
            select a.id as record_id, a.hostname as name, 'LEFT' as because
            from asset a
            where a.company_id = $1 and a.state = 'ACTIVE'
              and not exists (select from staged_device s where s.run_id = $2 and s.fence = $3 and coalesce(s.takes_over, s.entra_id) = a.entra_id))",
    seen_again: "
        exists (select from asset a join staged_device s on coalesce(s.takes_over, s.entra_id) = a.entra_id
                where a.id = h.record_id and a.company_id = $1 and s.run_id = $2 and s.fence = $3)",
    create: "
        insert into asset (id, company_id, entra_id, azure_ad_device_id, state, hostname, operating_system, os_version, serial_number,
            compliance_state, is_encrypted, owner_type, manufacturer, model, last_check_in_at, enrolled_at, user_entra_id, created_at, updated_at)
        select s.id, $1, s.entra_id, s.azure_ad_device_id, 'ACTIVE', s.hostname, s.operating_system, s.os_version, s.serial_number,
            s.compliance_state, s.is_encrypted, s.owner_type, s.manufacturer, s.model, s.last_check_in_at, s.enrolled_at, s.user_entra_id, $9, $9
        from staged_device s
        where s.run_id = $2 and s.fence = $3 and s.takes_over is null
          and not exists (select from asset a where a.company_id = $1 and a.entra_id = s.entra_id)",
    update: "
        update asset a
        set state = 'ACTIVE', entra_id = s.entra_id, azure_ad_device_id = s.azure_ad_device_id, hostname = s.hostname,
            operating_system = s.operating_system, os_version = s.os_version, serial_number = s.serial_number,
            compliance_state = s.compliance_state, is_encrypted = s.is_encrypted, owner_type = s.owner_type,
            manufacturer = s.manufacturer, model = s.model, last_check_in_at = s.last_check_in_at, enrolled_at = s.enrolled_at,
            user_entra_id = s.user_entra_id, updated_at = $9
        from sync_change x, staged_device s
        where x.run_id = $2 and x.noun = 'ASSET' and x.action in ('UPDATED', 'REACTIVATED') and a.id = x.record_id
          and s.run_id = $2 and s.fence = $3 and coalesce(s.takes_over, s.entra_id) = a.entra_id",
    deactivate: "
        update asset a
        set state = 'DEACTIVATED', updated_at = $9
        from sync_change x
        where x.run_id = $2 and x.noun = 'ASSET' and x.action = 'DEACTIVATED' and a.id = x.record_id",
    and_then: &[],
};
