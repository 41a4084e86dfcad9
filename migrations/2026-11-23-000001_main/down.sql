drop table staging, staged_device, staged_member, staged_group, staged_person, outbox, held_change, sync_change, sync_slot, sync_run,
    sync_state, sync_rules, asset, contact_group_member, contact_group, contact, service_token, staff_session, sign_in_flow,
    connect_ticket, tenant, company;
