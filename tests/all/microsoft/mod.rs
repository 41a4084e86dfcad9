//! What Tenantry does when Microsoft answers well, badly, late or not at all.

mod answers;
mod batches;
mod entra;
mod fake;
mod forgeries;
mod links;
mod logs;
mod paging;
mod provider;
mod refusals;
mod sign_in;
mod simulated;
mod simulated_sign_in;
mod simulated_trouble;
mod tokens;
mod world;

use std::time::Duration;

use fake::Fake;
use tenantry::microsoft::{Credential, Microsoft, Patience, Secret, Settings};
use uuid::{Uuid, uuid};

const TENANT: Uuid = uuid!("3d2b7f0a-6c1e-4f6e-9a55-1c2f0e9b8a01");
const ADELE: Uuid = uuid!("693acd06-2877-4339-8ade-b704261fe7a0");

/// Little patience, so that a test of its end is quick.
fn little_patience() -> Patience {
    Patience {
        tries: 4,
        budget: Duration::from_millis(900),
        first_wait: Duration::from_millis(1),
        connect: Duration::from_secs(5),
        silence: Duration::from_secs(5),
        whole: Duration::from_secs(10),
        ..Patience::default()
    }
}

fn microsoft(fake: &Fake) -> Microsoft {
    microsoft_with(fake, little_patience())
}

fn microsoft_with(fake: &Fake, patience: Patience) -> Microsoft {
    Microsoft::new(Settings {
        login_url: fake.url().clone(),
        graph_url: fake.url().clone(),
        client_id: "app".into(),
        credential: Credential::Secret(Secret::new("CANARY-secret")),
        patience,
    })
    .unwrap_or_else(|error| panic!("{error}"))
}
