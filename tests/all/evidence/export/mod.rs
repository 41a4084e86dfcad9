//! Bundles of evidence: what is in them, that they verify by themselves, and who may have them.

mod contents;
mod doors;
mod oscal;
mod tampering;

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use tenantry::evidence::export::{self, Format, Verified, Wanted, verify_bundle};
use tenantry::evidence::judge::{FindingKind, Population, Status, Verdict};
use tenantry::evidence::keep::{self, DeclarationKind, Statement};
use tenantry::evidence::snapshot::{Gap, Indeterminate, Outcome, Pull, Resource, Witness};
use tenantry::model::{Scope, company};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::keep::{Keeper, device, monday, policy, pull, read, verdict};

const CHECK: &str = "entra.ca.mfa_all_users";

/// The files of a bundle.
type Files = BTreeMap<String, Vec<u8>>;

fn files(bundle: &[u8]) -> Files {
    let mut archive = ZipArchive::new(Cursor::new(bundle)).expect("an archive");
    (0..archive.len())
        .map(|at| {
            let mut file = archive.by_index(at).expect("a file");
            let mut content = Vec::new();
            file.read_to_end(&mut content).expect("its content");
            (file.name().expect("a name").into_owned(), content)
        })
        .collect()
}

/// An archive of these files, as whoever likes would make one.
fn archive(files: &Files) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(name, SimpleFileOptions::default()).expect("a file");
        zip.write_all(content).expect("its content");
    }
    zip.finish().expect("an archive").into_inner()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// As whoever tampers with a bundle would: the hashes fit again.
fn hash_again(files: &mut Files) {
    files.retain(|name, _| !name.starts_with("HASHES.txt"));
    let list: String = files
        .iter()
        .map(|(name, content)| format!("{}  {name}\n", hex(&Sha256::digest(content))))
        .collect();
    let hash = hex(&Sha256::digest(&list));
    files.insert("HASHES.txt".into(), list.into_bytes());
    files.insert("HASHES.txt.sha256".into(), format!("{hash}  HASHES.txt\n").into_bytes());
}

fn verify(bundle: &[u8]) -> Verified {
    let mut file = NamedTempFile::new().expect("a file");
    file.write_all(bundle).expect("written");
    verify_bundle(file.path()).expect("it is a bundle")
}

fn faults(bundle: &[u8]) -> Vec<String> {
    verify(bundle).faults.iter().map(ToString::to_string).collect()
}

fn text<'f>(files: &'f Files, name: &str) -> &'f str {
    let content = files.get(name).unwrap_or_else(|| panic!("there is no {name}"));
    std::str::from_utf8(content).expect("text")
}

impl Keeper {
    async fn export(&self, format: Format, from: DateTime<Utc>, to: DateTime<Utc>, now: DateTime<Utc>) -> Vec<u8> {
        let company = company::find(&mut *self.conn().await, &Scope::All, self.company).await;
        let company = company.expect("the database answers").expect("the company is there");
        let wanted = Wanted::new(company, from, to).expect("a period");
        let made = export::export(&self.pool, &Scope::All, wanted, now, format)
            .await
            .expect("it is made");
        let mut bytes = Vec::new();
        made.reader().read_to_end(&mut bytes).expect("it is read");
        assert_eq!(bytes.len() as u64, made.size().expect("a size"));
        bytes
    }

    /// The bundle of everything up to now.
    async fn bundle(&self) -> Vec<u8> {
        let from = monday() - Duration::days(1);
        self.export(Format::Bundle, from, self.next, self.next).await
    }

    async fn except(&self, object: &str) {
        let statement = Statement {
            kind: DeclarationKind::Exception,
            check_id: Some(CHECK.into()),
            object_id: Some(object.into()),
            owner: "Megan Bowen".into(),
            reason: "=HYPERLINK(\"https://evil.example\")".into(),
            reference: None,
            changed_at: None,
            expires_at: Some(self.next + Duration::days(30)),
        };
        keep::declare(
            &mut *self.conn().await,
            self.next,
            &Scope::All,
            self.company,
            &statement,
            "a test",
        )
        .await
        .expect("declared");
    }
}

fn person(id: &str, name: &str) -> Value {
    json!({"id": id, "displayName": name, "userPrincipalName": format!("{id}@contoso.example"), "accountEnabled": true})
}

fn readings(policy_state: &str, people: Vec<Value>) -> BTreeMap<Resource, Pull> {
    let mut readings = read([
        (Resource::CaPolicies, vec![policy("p", policy_state)]),
        (Resource::Users, people),
        (
            Resource::ManagedDevices,
            vec![device("d", "compliant", "2026-01-05T00:00:00Z")],
        ),
    ]);
    let users = readings.get_mut(&Resource::Users).expect("they are read");
    users.witness = Some(Witness {
        count: 2,
        source: "/v1.0/users/$count".into(),
    });
    readings
}

fn unseen() -> Verdict {
    Verdict {
        status: Status::Indeterminate,
        indeterminate: Some(Indeterminate {
            resource: Resource::Users,
            gap: Gap::ThrottledIncomplete,
            detail: "users: no more".into(),
        }),
        ..verdict(CHECK, &[], &[])
    }
}

/// Four runs: `u` fails, `v` fails as well and the policy is off, then nobody can look, then all is well; and an exception.
async fn story() -> Keeper {
    let mut keeper = Keeper::start().await;
    let people = || vec![person("u", "=cmd|' /C calc'!A0"), person("v", "<b>Vera</b>")];
    keeper
        .keep(readings("enabled", people()), &[verdict(CHECK, &["u", "v"], &["u"])])
        .await;
    keeper.except("u").await;
    keeper
        .keep(
            readings("disabled", people()),
            &[verdict(CHECK, &["u", "v"], &["u", "v"])],
        )
        .await;
    let mut partial = readings("disabled", people());
    partial.insert(Resource::Users, pull(Outcome::Partial, people()));
    keeper.keep(partial, &[unseen()]).await;
    keeper
        .keep(readings("enabled", people()), &[verdict(CHECK, &["u", "v"], &[])])
        .await;
    keeper
}
