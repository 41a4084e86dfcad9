//! Everything that a company can have, and a table of everything there is.

use uuid::Uuid;

use super::documents::Things;
use crate::evidence::kept;
use crate::graphql::world::World;

impl Things {
    /// Makes all of them, with the owner's name in every text. A colleague's things are of a company that is there.
    pub async fn come_into_being(&self, world: &World) {
        let is_there = world
            .number("select count(*) from company where id = $1", &[&self.company])
            .await;
        if is_there == 0 {
            self.add_company(world).await;
        }
        self.add_records(world).await;
        self.add_run(world).await;
        self.add_sign_ins(world).await;
        kept::fill(&world.pool, self.company, self.whose, self.declaration).await;
    }

    async fn add_company(&self, world: &World) {
        let external = self.company.to_string();
        world
            .sql(
                "insert into company (id, external_id, name) values ($1, $2, $3)",
                &[&self.company, &external, &self.whose],
            )
            .await;
        world
            .sql(
                "insert into tenant (company_id, entra_tenant_id, status, display_name, domain, consented_by, connected_at)
                 values ($1, gen_random_uuid(), 'CONNECTED', $2, $2, $2, now())",
                &[&self.company, &self.whose],
            )
            .await;
        world
            .sql(
                "insert into sync_rules (company_id, include_guests, licensed_only, only_groups, exclude_patterns, version)
                 values ($1, false, true, '{}', array[$2], 1)",
                &[&self.company, &self.whose],
            )
            .await;
    }

    /// Their ids are Microsoft's too.
    async fn add_records(&self, world: &World) {
        world
            .sql(
                "insert into contact (id, company_id, entra_id, state, display_name, mail, user_principal_name, user_type,
                                      account_enabled, business_phones, licensed, created_at, updated_at)
                 values ($1, $2, $1, 'ACTIVE', $3, $3, $3, 'Member', true, array[$3], true, now(), now())",
                &[&self.contact, &self.company, &self.whose],
            )
            .await;
        world
            .sql(
                "insert into contact_group (id, company_id, entra_id, state, display_name, mail, mail_enabled, security_enabled,
                                            microsoft_365, created_at, updated_at)
                 values ($1, $2, $1, 'ACTIVE', $3, $3, false, true, false, now(), now())",
                &[&self.group, &self.company, &self.whose],
            )
            .await;
        self.add_member(world, self.group, self.contact).await;
        world
            .sql(
                "insert into asset (id, company_id, entra_id, state, hostname, serial_number, user_entra_id, created_at, updated_at)
                 values ($1, $2, $1, 'ACTIVE', $3, $3, $4, now(), now())",
                &[&self.asset, &self.company, &self.whose, &self.contact],
            )
            .await;
    }

    pub async fn add_member(&self, world: &World, group: Uuid, person: Uuid) {
        world
            .sql(
                "insert into contact_group_member (company_id, group_entra_id, member_entra_id, member_kind)
                 values ($1, $2, $3, 'USER')",
                &[&self.company, &group, &person],
            )
            .await;
    }

    async fn add_run(&self, world: &World) {
        world
            .sql(
                "insert into sync_run (id, company_id, kind, trigger, mode, dry_run, status, message, requested_by, queued_at,
                                       not_before, finished_at)
                 values ($1, $2, 'IDENTITY', 'MANUAL', 'AUTO', false, 'SUCCEEDED', $3, $3, now(), now(), now())",
                &[&self.run, &self.company, &self.whose],
            )
            .await;
        world
            .sql(
                "insert into alarm (id, kind, company_id, subject, message, remedy, opened_at)
                 values (gen_random_uuid(), 'CHANGES_HELD', $1, $2, $2, $2, now())",
                &[&self.company, &self.whose],
            )
            .await;
        world
            .sql(
                "insert into sync_change (run_id, noun, record_id, action, name)
                 values ($1, 'CONTACT', $2, 'CREATED', $3)",
                &[&self.run, &self.contact, &self.whose],
            )
            .await;
        world
            .sql(
                "insert into held_change (run_id, company_id, noun, record_id, name, because, decision)
                 values ($1, $2, 'CONTACT', $3, $4, 'LEFT', 'HELD')",
                &[&self.run, &self.company, &self.contact, &self.whose],
            )
            .await;
    }

    async fn add_sign_ins(&self, world: &World) {
        world
            .sql(
                "insert into service_token (id, secret_hash, name, created_by, expires_at, company_ids)
                 values ($1, uuid_send($1), $2, $2, now() + interval '1 day', array[$3::uuid])",
                &[&self.token, &self.whose, &self.company],
            )
            .await;
        self.sign_in_again(world).await;
        world
            .sql(
                "insert into audit_event (id, at, actor_kind, actor_name, action, outcome, company_id, subject)
                 values ($1, now(), 'PORTAL_USER', $2, 'SIGN_IN', 'DONE', $3, $2)",
                &[&self.event, &self.whose, &self.company],
            )
            .await;
    }

    /// Their session, unless it is there.
    pub async fn sign_in_again(&self, world: &World) {
        world
            .sql(
                "insert into session (id, secret_hash, tid, oid, name, company_id, browser, expires_at)
                 select $1, uuid_send($1), $1, $2, $3, c.id, $3, now() + interval '1 hour' from company c where c.id = $4
                 on conflict do nothing",
                &[&self.session, &self.contact, &self.whose, &self.company],
            )
            .await;
    }

    /// Opens the company's portal to a group.
    pub async fn let_in(&self, world: &World, group: Uuid, role: &str) {
        world
            .sql(
                "insert into portal_access_group (company_id, group_id, role) values ($1, $2, $3)",
                &[&self.company, &group, &role],
            )
            .await;
    }
}
