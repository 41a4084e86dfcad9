revoke select on sync_slot from tenantry_viewer;
drop policy sync_slot_in_view on sync_slot;
alter table sync_slot disable row level security;
do $$
begin
    if not pg_has_role(current_user, 'tenantry_retention', 'MEMBER') then
        execute format('grant tenantry_retention to %I', current_user);
    end if;
end $$;
drop function retire_evidence;
drop table evidence_blob, evidence_run, evidence_pull, evidence_object, evidence_population, evidence_result, evidence_finding,
    evidence_declaration, evidence_withdrawal, evidence_tombstone, evidence_ledger;
drop function refuse_change_of_evidence, refuse_a_loose_link;
revoke usage on schema public from tenantry_retention;
