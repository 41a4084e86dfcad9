//! The bundle of the week tells the same.

use std::io::{Cursor, Read};

use tenantry::evidence::export::{Format, Wanted, export, verify_bundle};
use tenantry::model::{Scope, company};
use zip::ZipArchive;

use super::weakened::week;
use super::{Story, moment};

impl Story {
    async fn bundle(&self) -> Vec<u8> {
        let mut conn = self.world.pool.get().await.expect("a connection");
        let company = company::find(&mut conn, &Scope::All, self.client.company_id).await;
        drop(conn);
        let company = company.expect("the database answers").expect("the company is there");
        let wanted = Wanted::new(company, moment(2, "00:00"), moment(5, "00:00")).expect("a period");
        let scope = Scope::Companies(vec![self.client.company_id]);
        let made = export(&self.world.pool, &scope, wanted, moment(5, "00:00"), Format::Bundle).await;
        let mut bytes = Vec::new();
        made.expect("it is made")
            .reader()
            .read_to_end(&mut bytes)
            .expect("it is read");
        bytes
    }
}

/// The lines of a list that have all of these words.
fn lines<'f>(list: &'f str, words: &[&str]) -> Vec<&'f str> {
    let has = |line: &&str| words.iter().all(|word| line.contains(&format!("\"{word}\"")));
    list.lines().filter(has).collect()
}

#[tokio::test]
async fn the_bundle_of_the_week_tells_the_same() {
    let (story, wrong) = week().await;
    let bundle = story.bundle().await;

    let mut file = tempfile::NamedTempFile::new().expect("a file");
    std::io::Write::write_all(&mut file, &bundle).expect("written");
    let verified = verify_bundle(file.path()).expect("it is a bundle");
    assert_eq!(
        verified.faults.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [""; 0]
    );

    let mut archive = ZipArchive::new(Cursor::new(bundle)).expect("an archive");
    let mut list = |name: &str| {
        let mut text = String::new();
        archive
            .by_name(name)
            .expect("the list is there")
            .read_to_string(&mut text)
            .expect("text");
        text
    };
    let findings = list("findings.csv");
    let (opened, closed) = ("2026-03-03T12:15:00.000000Z", "2026-03-04T12:15:00.000000Z");
    let [person, device] = [&wrong.person, &wrong.device].map(|wrong| wrong["id"].as_str().unwrap());
    for (check, object) in [("entra.ca.mfa_all_users", person), ("intune.device.compliant", device)] {
        let told = lines(&findings, &[check, object]);
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(lines(told[0], &[opened, closed, "CLOSED"]).len(), 1, "{told:?}");
    }
    let changes = list("changes.csv");
    assert_eq!(
        lines(&changes, &["ca_policies", "modifiedDateTime state"]).len(),
        2,
        "weakened and repaired: {changes}"
    );
    assert_eq!(
        lines(&changes, &["managed_devices", device, "complianceState"]).len(),
        2
    );
    assert_eq!(lines(&changes, &["group_members", &story.inner, "members"]).len(), 2);
    let runs = list("runs.csv");
    assert_eq!(runs.lines().count(), 1 + 5, "{runs}");
    assert_eq!(lines(&list("runs-expected.csv"), &["MISSING"]).len(), 12 - 5);
}
