//! Whoever changes a bundle is found, also if they know how to make its hashes fit again.

use super::*;

/// Puts `new` in the place of `old`, once, in the file.
fn replace(files: &mut Files, name: &str, old: &str, new: &str) {
    let content = text(files, name).to_owned();
    assert!(content.contains(old), "{name} has no {old}: {content}");
    files.insert(name.into(), content.replacen(old, new, 1).into_bytes());
}

/// The faults of a bundle after `change`, the hashes of its files made to fit again.
async fn faults_after(change: impl Fn(&mut Files)) -> Vec<String> {
    let mut files = files(&story().await.bundle().await);
    change(&mut files);
    hash_again(&mut files);
    faults(&archive(&files))
}

fn drop_line(files: &mut Files, name: &str, containing: &str) {
    let content = text(files, name).to_owned();
    let lines: Vec<&str> = content.lines().filter(|line| !line.contains(containing)).collect();
    assert!(lines.len() < content.lines().count(), "{name} has no {containing}");
    files.insert(name.into(), (lines.join("\n") + "\n").into_bytes());
}

fn assert_named(faults: &[String], named: &str) {
    assert!(
        faults.iter().any(|fault| fault.contains(named)),
        "{named} is not in {faults:#?}"
    );
}

#[tokio::test]
async fn repacking_alone_is_no_fault() {
    assert_eq!(faults_after(|_| {}).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_file_that_was_changed_is_named() {
    let mut files = files(&story().await.bundle().await);
    replace(&mut files, "results.csv", "\"FAIL\"", "\"PASS\"");
    files.remove("findings.csv");
    files.insert("more.txt".into(), b"more".to_vec());
    let faults = faults(&archive(&files));
    assert_named(&faults, "results.csv is not what HASHES.txt says");
    assert_named(&faults, "findings.csv is missing");
    assert_named(&faults, "more.txt is not in HASHES.txt");
    replace(&mut files, "HASHES.txt", "a", "b");
    assert_named(
        &super::faults(&archive(&files)),
        "HASHES.txt is not what HASHES.txt.sha256 says",
    );
}

#[tokio::test]
async fn a_list_that_says_something_else_than_the_rows_is_named_by_its_line() {
    let faults = faults_after(|files| replace(files, "results.csv", "\"FAIL\"", "\"PASS\"")).await;
    assert_eq!(faults, ["results.csv, line 2 is not what the sealed rows say"]);
    for (name, old, new) in [
        ("index.html", "entra.ca.mfa_all_users", "entra.ca.mfa_all_admins"),
        ("findings.csv", "\"CLOSED\"", "\"OPEN\""),
        ("declarations.csv", "Megan Bowen", "Adele Vance"),
        ("objects/users.csv", "Vera", "Una"),
        ("README.txt", "permission", "licence"),
        ("oscal/assessment-results.json", "TEST", "EXAMINE"),
    ] {
        let faults = faults_after(|files| replace(files, name, old, new)).await;
        assert_eq!(faults.len(), 1, "{faults:#?}");
        assert_named(&faults, &format!("{name}, line "));
    }
    let faults = faults_after(|files| files.insert("more.txt".into(), b"more".to_vec()).map_or((), drop)).await;
    assert_eq!(faults, ["more.txt does not belong here"]);
}

#[tokio::test]
async fn a_row_that_was_changed_is_named() {
    let rows = [
        (
            "rows/results.ndjson",
            "\"status\":\"FAIL\"",
            "\"status\":\"PASS\"",
            "rows/results.ndjson, line 1",
        ),
        (
            "rows/findings.ndjson",
            "\"state\":\"OPEN\"",
            "\"state\":\"CLOSED\"",
            "rows/findings.ndjson, line 1",
        ),
        (
            "rows/objects.ndjson",
            "\"state\":\"enabled\"",
            "\"state\":\"disabled\"",
            "rows/objects.ndjson, line 1",
        ),
        (
            "rows/pulls.ndjson",
            "\"outcome\":\"PARTIAL\"",
            "\"outcome\":\"COMPLETE\"",
            "rows/pulls.ndjson, line 9",
        ),
        (
            "rows/runs.ndjson",
            "User.Read.All",
            "User.ReadWrite.All",
            "rows/runs.ndjson, line 1",
        ),
        (
            "rows/declarations.ndjson",
            "Megan Bowen",
            "Adele Vance",
            "rows/declarations.ndjson, line 1",
        ),
        (
            "ledger.ndjson",
            "\"kind\":\"RUN\"",
            "\"kind\":\"DECLARATION\"",
            "ledger.ndjson, line 1",
        ),
    ];
    for (name, old, new, named) in rows {
        let faults = faults_after(|files| replace(files, name, old, new)).await;
        assert!(
            faults
                .iter()
                .any(|fault| fault.starts_with(named) && fault.ends_with("is not as it was kept")),
            "{faults:#?}"
        );
    }
}

/// Seals the first line of a list again after a change, as the attacker would.
fn seal_again(files: &mut Files, name: &str, table: &str, old: &str, new: &str) {
    replace(files, name, old, new);
    let content = text(files, name).to_owned();
    let line = content
        .lines()
        .find(|line| line.contains(new))
        .expect("it was just changed");
    let mut row: Value = serde_json::from_str(line).expect("a row");
    row.as_object_mut().expect("a row").remove("sha256");
    row["sha256"] = json!(hex(&Sha256::digest(format!("{table} {row}"))));
    let sealed = content.replacen(line, &row.to_string(), 1);
    files.insert(name.into(), sealed.into_bytes());
}

#[tokio::test]
async fn a_row_that_was_changed_and_sealed_again_shows_in_its_run_and_a_run_in_the_chain() {
    let faults = faults_after(|files| {
        seal_again(
            files,
            "rows/results.ndjson",
            "evidence_result",
            "\"status\":\"FAIL\"",
            "\"status\":\"PASS\"",
        );
    })
    .await;
    assert_named(
        &faults,
        "rows/results.ndjson, run 1 are not the rows that the run has added",
    );
    let faults = faults_after(|files| {
        seal_again(
            files,
            "rows/runs.ndjson",
            "evidence_run",
            "User.Read.All",
            "User.ReadWrite.All",
        );
    })
    .await;
    assert_named(
        &faults,
        "link 1 of the ledger holds another hash than that of rows/runs.ndjson, line 1",
    );
    let faults = faults_after(|files| {
        seal_again(
            files,
            "ledger.ndjson",
            "evidence_ledger",
            "2026-01-05T06:15",
            "2026-01-05T07:15",
        );
    })
    .await;
    assert!(
        faults
            .iter()
            .any(|fault| fault.contains("of the ledger does not hold the hash of the one before")),
        "{faults:#?}"
    );
}

#[tokio::test]
async fn what_was_taken_out_is_named() {
    let missing = [
        (
            "ledger.ndjson",
            "\"seq\":2,",
            "link 3 of the ledger does not follow the one before",
        ),
        (
            "ledger.ndjson",
            "\"seq\":5,",
            "ledger.ndjson does not end with the link that the manifest names",
        ),
        ("rows/runs.ndjson", "\"seq\":2,", "is missing"),
        ("rows/declarations.ndjson", "Megan", "(DECLARATION) is missing"),
        (
            "rows/results.ndjson",
            "INDETERMINATE",
            "rows/results.ndjson, run 3 are not the rows",
        ),
        (
            "rows/findings.ndjson",
            "\"object\":\"v\"",
            "rows/findings.ndjson, run 2 are not the rows",
        ),
        (
            "rows/objects.ndjson",
            "\"object\":\"v\"",
            "the history of users up to run 1",
        ),
        ("rows/populations.ndjson", "sha256", "is missing"),
    ];
    for (name, containing, named) in missing {
        assert_named(&faults_after(|files| drop_line(files, name, containing)).await, named);
    }
    let faults = faults_after(|files| files.remove("rows/objects.ndjson").map_or((), drop)).await;
    assert_named(&faults, "rows/objects.ndjson is missing");
}

#[tokio::test]
async fn a_content_that_is_not_what_its_name_says_is_named() {
    let content = |files: &Files| {
        let vera = files
            .iter()
            .find(|(name, content)| name.starts_with("raw/") && String::from_utf8_lossy(content).contains("Vera"));
        vera.expect("she is there").0.clone()
    };
    let faults = faults_after(|files| replace(files, &content(files), "Vera", "Una")).await;
    assert_named(&faults, "is not the content that its name is the hash of");
    let faults = faults_after(|files| files.remove(&content(files)).map_or((), drop)).await;
    assert_named(&faults, ".json is missing; rows/objects.ndjson, line");
    let faults = faults_after(|files| {
        let name = format!("raw/{}.json", hex(&Sha256::digest("{}")));
        files.insert(name, b"{}".to_vec());
    })
    .await;
    assert_named(&faults, "is named by no row");
}

#[tokio::test]
async fn what_is_no_bundle_is_refused() {
    let bundle = story().await.bundle().await;
    let refused = |bytes: &[u8]| {
        let mut file = NamedTempFile::new().expect("a file");
        file.write_all(bytes).expect("written");
        format!("{:#}", verify_bundle(file.path()).expect_err("it is none"))
    };
    assert!(refused(b"nothing").contains("this is not a bundle"));
    assert!(
        refused(&bundle[..bundle.len() / 2]).contains("this is not a bundle"),
        "cut"
    );
    let hidden = [b"more", bundle.as_slice()].concat();
    assert!(refused(&hidden).contains("this is not a bundle"), "something before it");
    let mut files = files(&bundle);
    replace(&mut files, "manifest.json", "tenantry/bundle@1", "tenantry/bundle@2");
    assert!(refused(&archive(&files)).contains("its format is tenantry/bundle@2"));
    files.insert("../evil".into(), Vec::new());
    assert!(refused(&archive(&files)).contains("is no name of ours"));
}

#[tokio::test]
async fn a_bundle_of_another_program_is_looked_at_as_far_as_can_be() {
    let mut files = files(&story().await.bundle().await);
    let made_by = format!("tenantry {}", env!("CARGO_PKG_VERSION"));
    replace(&mut files, "manifest.json", &made_by, "tenantry 0.0.1");
    hash_again(&mut files);
    let verified = verify(&archive(&files));
    assert_eq!(verified.faults, []);
    assert!(verified.unseen.expect("it says so").contains("tenantry 0.0.1"));
}

#[tokio::test]
async fn a_file_that_is_damaged_is_named() {
    let mut bundle = story().await.bundle().await;
    let name = b"rows/results.ndjson";
    let at = bundle
        .windows(name.len())
        .position(|window| window == name)
        .expect("it is there");
    bundle[at + name.len() + 20] ^= 0xff;
    let verified = verify(&bundle);
    assert_named(
        &verified.faults.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "rows/results.ndjson cannot be read",
    );
}

#[tokio::test]
async fn what_a_bundle_says_reaches_no_terminal_as_a_command() {
    let faults = faults_after(|files| {
        replace(files, "rows/results.ndjson", CHECK, "\\u001b[2J");
    })
    .await;
    assert_named(&faults, "\u{fffd}[2J");
    assert!(!faults.concat().contains('\u{1b}'));
}

/// The bundle of everything behind the first run, in which `u` fails, after `change`.
async fn later_faults_after(change: impl Fn(&mut Files)) -> Vec<String> {
    let keeper = story().await;
    let from = monday() + Duration::hours(1);
    let bundle = keeper.export(Format::Bundle, from, keeper.next, keeper.next).await;
    let mut files = files(&bundle);
    change(&mut files);
    hash_again(&mut files);
    faults(&archive(&files))
}

#[tokio::test]
async fn whatever_is_left_out_of_what_stood_before_the_period_is_noticed() {
    assert_eq!(later_faults_after(|_| {}).await, Vec::<String>::new());
    for (list, row) in [
        ("rows/findings-before.ndjson", "\"object\":\"u\""),
        ("rows/objects-before.ndjson", "\"object\":\"d\""),
    ] {
        let faults = later_faults_after(|files| drop_line(files, list, row)).await;
        assert_named(&faults, "what stood before the period is not what run 1 holds");
        assert_named(
            &faults,
            "what stood before the period does not lead to what stands after run 2",
        );
    }
}

#[tokio::test]
async fn a_bundle_that_names_another_company_is_noticed() {
    let company = story().await.company.to_string();
    let faults = faults_after(|files| {
        let manifest = text(files, "manifest.json").to_owned();
        let at = manifest.find("\"companyId\": \"").expect("it names one") + 14;
        let named = manifest[at..at + 36].to_owned();
        replace(files, "manifest.json", &named, &company);
    })
    .await;
    assert_named(&faults, "manifest.json names another company than the rows");
}
