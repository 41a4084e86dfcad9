//! People who sign in and administrators who consent, through the simulated Entra's own pages.

use m365_simulator::ApplicationSpec;
use serde_json::json;
use tenantry::auth::sign_in::{Authority, Person, Prompt, SignIn, SignInError};
use tenantry::microsoft::Trouble;
use url::Url;
use uuid::{Uuid, uuid};

use super::entra::query;
use super::world::{CLIENT, REDIRECT_URI, World, application, id, secret, way_to};

const GLOBAL_ADMINISTRATOR: Uuid = uuid!("62e90394-69f5-4237-9190-012177145e10");

fn redirect_uri() -> Url {
    Url::parse(REDIRECT_URI).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "the simulator signs with the time of day")]
fn sign_in(world: &World) -> SignIn {
    SignIn::new(way_to(&world.simulator, secret("right")), chrono::Utc::now)
}

async fn go_through(
    world: &World,
    sign_in: &SignIn,
    authority: Authority,
    account: Uuid,
) -> Result<Person, SignInError> {
    let begun = sign_in.begin(authority, &redirect_uri(), Prompt::SelectAccount).await?;
    let back = world
        .choose(&begun.authorize_url, "account", &account.to_string())
        .await;
    assert_eq!(query(&back, "state"), begun.pending.state);
    sign_in
        .finish(begun.pending, authority, &redirect_uri(), &query(&back, "code"))
        .await
}

#[tokio::test]
async fn an_administrator_and_a_member_sign_in() {
    let world = World::start(30).await;
    let administrator = world.tenant.administrators[0];
    let member = world.truth("people").await.iter().map(id).nth(1).unwrap();
    world
        .simulator
        .assign_app_roles(world.tenant.id, administrator, &["ADMIN"])
        .unwrap();
    let sign_in = sign_in(&world);
    for authority in [Authority::Organizations, Authority::Tenant(world.tenant.id)] {
        let person = go_through(&world, &sign_in, authority, administrator).await.unwrap();
        assert_eq!((person.tid, person.oid), (world.tenant.id, administrator));
        assert!(person.wids.unwrap().contains(&GLOBAL_ADMINISTRATOR));
        assert_eq!((person.guest, person.roles), (Some(false), vec!["ADMIN".to_owned()]));
        assert!(
            person.name.is_some() && person.username.is_some() && person.sid.is_some() && person.login_hint.is_some()
        );

        let person = go_through(&world, &sign_in, authority, member).await.unwrap();
        assert_eq!(person.oid, member);
        assert!(!person.wids.unwrap().contains(&GLOBAL_ADMINISTRATOR) && person.roles.is_empty());
    }
}

#[tokio::test]
async fn a_registration_without_wids_leaves_the_roles_to_be_read() {
    let world = World::start(10).await;
    world.simulator.add_application(ApplicationSpec {
        emit_wids: false,
        ..application(world.tenant.id)
    });
    let administrator = world.tenant.administrators[0];
    let person = go_through(&world, &sign_in(&world), Authority::Organizations, administrator)
        .await
        .unwrap();
    assert_eq!(person.wids, None);
    assert_eq!(
        world.graph.directory_roles_of(person.oid).await.unwrap(),
        [GLOBAL_ADMINISTRATOR]
    );
}

#[tokio::test]
async fn a_code_serves_once_and_only_with_its_own_verifier() {
    let world = World::start(10).await;
    let (sign_in, account) = (sign_in(&world), world.tenant.administrators[0].to_string());
    let authority = Authority::Organizations;
    let begun = sign_in
        .begin(authority, &redirect_uri(), Prompt::SelectAccount)
        .await
        .unwrap();
    let code = query(&world.choose(&begun.authorize_url, "account", &account).await, "code");
    let pending = begun.pending.clone();
    assert!(sign_in.finish(pending, authority, &redirect_uri(), &code).await.is_ok());
    let again = sign_in
        .finish(begun.pending, authority, &redirect_uri(), &code)
        .await
        .unwrap_err();
    assert!(again.message().contains("already used"), "{again}");

    let mine = sign_in
        .begin(authority, &redirect_uri(), Prompt::SelectAccount)
        .await
        .unwrap();
    let theirs = sign_in
        .begin(authority, &redirect_uri(), Prompt::SelectAccount)
        .await
        .unwrap();
    let code = query(&world.choose(&theirs.authorize_url, "account", &account).await, "code");
    let injected = sign_in
        .finish(mine.pending, authority, &redirect_uri(), &code)
        .await
        .unwrap_err();
    assert!(matches!(injected, SignInError::Refused { .. }), "{injected:?}");
}

#[tokio::test]
async fn keys_that_roll_do_not_keep_anybody_out() {
    let world = World::start(10).await;
    let (sign_in, account) = (sign_in(&world), world.tenant.administrators[0]);
    go_through(&world, &sign_in, Authority::Organizations, account)
        .await
        .unwrap();
    let rotate = world.simulator.url().join("_control/keys/rotate").unwrap();
    world
        .http
        .post(rotate)
        .send()
        .await
        .unwrap()
        .error_for_status()
        .unwrap();
    go_through(&world, &sign_in, Authority::Organizations, account)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_silent_sign_in_without_a_session_is_told_in_plain_words() {
    let world = World::start(10).await;
    let begun = sign_in(&world)
        .begin(Authority::Organizations, &redirect_uri(), Prompt::None)
        .await
        .unwrap();
    let reply = world.http.get(begun.authorize_url).send().await.unwrap();
    let back = Url::parse(reply.headers()["location"].to_str().unwrap()).unwrap();
    let refused = SignInError::from_redirect(&query(&back, "error"), &query(&back, "error_description"));
    assert!(refused.message().contains("no Microsoft session"), "{refused}");
}

#[tokio::test]
async fn an_unknown_tenant_is_told_as_such() {
    let world = World::start(2).await;
    let begun = sign_in(&world)
        .begin(Authority::Tenant(Uuid::new_v4()), &redirect_uri(), Prompt::Login)
        .await;
    assert!(begun.err().unwrap().message().contains("no such tenant"));
}

#[tokio::test]
async fn consent_opens_the_tenant_and_a_refusal_is_told_though_it_says_true() {
    let world = World::start(10).await;
    world
        .control("DELETE", &format!("consents/{CLIENT}"), json!(null))
        .await;
    let microsoft = way_to(&world.simulator, secret("right"));
    let graph = microsoft.graph(world.tenant.id);
    assert_eq!(graph.organization().await.err(), Some(Trouble::ConsentMissing));

    let page = microsoft.admin_consent_url(world.tenant.id, &redirect_uri(), "state-1");
    let back = world.choose(&page, "decision", "refuse").await;
    assert_eq!(
        (query(&back, "admin_consent"), query(&back, "state")),
        ("True".into(), "state-1".into())
    );
    let refused = SignInError::from_redirect(&query(&back, "error"), &query(&back, "error_description"));
    assert!(refused.message().contains("declined"), "{refused}");
    assert_eq!(graph.organization().await.err(), Some(Trouble::ConsentMissing));

    let back = world.choose(&page, "decision", "grant").await;
    assert_eq!(
        (query(&back, "tenant"), query(&back, "state")),
        (world.tenant.id.to_string(), "state-1".into())
    );
    assert_eq!(graph.organization().await.unwrap().id, world.tenant.id);
}

#[tokio::test]
async fn a_consent_that_takes_a_while_looks_like_a_missing_permission_until_it_acts() {
    let world = World::start(10).await;
    let consent = format!("consents/{CLIENT}");
    world
        .control("PUT", &consent, json!({"effectiveAfterRequests": 2}))
        .await;
    let mut waited = 0;
    let graph = way_to(&world.simulator, secret("right")).graph(world.tenant.id);
    while let Err(trouble) = graph.organization().await {
        assert_eq!(
            trouble,
            Trouble::PermissionMissing {
                permission: "Organization.Read.All"
            }
        );
        waited += 1;
        assert!(waited < 10);
    }
    assert!(waited > 0);
}
