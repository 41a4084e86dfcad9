-- The functions belong to the role that may remove: whoever migrates becomes it for a moment.
create temporary table became_retention on commit drop as
    select not pg_has_role(current_user, 'tenantry_retention',
                           case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end) as for_a_moment;
do $$
begin
    if (select for_a_moment from became_retention) then
        execute format('grant tenantry_retention to %I', current_user)
            || case when current_setting('server_version_num')::int >= 160000 then ' with set true' else '' end;
    end if;
end $$;

create or replace trigger audit_event_is_append_only before update or delete on audit_event
    for each row execute function refuse_change();
alter table audit_event enable always trigger audit_event_is_append_only;
revoke select, delete on audit_event from tenantry_retention;
drop function refuse_change_of_the_trail, retire_audit_trail, retire_evidence_and_tombstones;
comment on table audit_event is 'Who did what, or was refused. Nothing is ever changed or removed here; a company''s events outlive it.';
comment on table evidence_tombstone is 'What retention has removed: everything of its class up to a run, and how much.';

do $$
begin
    if (select for_a_moment from became_retention) then
        execute format('revoke tenantry_retention from %I', current_user);
    end if;
end $$;
drop table became_retention;
