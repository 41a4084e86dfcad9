//! The rules of the house that no compiler knows, read off the sources as text.
//!
//! Each rule is a function from one file to its complaints, and each has a test that hands it a file
//! which must be refused: a rule that refuses nothing would stay green for ever.

use std::fs;
use std::path::Path;

use reading::{code_of, paths};

#[path = "architecture/reading.rs"]
mod reading;

/// The floors. A file names floors below its own, and its own where `WALLS` does not forbid it.
const FLOORS: &[(&str, u8)] = &[
    ("main", 7),
    ("command", 7),
    ("demo", 7),
    ("http", 6),
    ("graphql", 5),
    ("app", 4),
    ("jobs", 3),
    ("sync", 2),
    ("evidence", 2),
    ("run", 2),
    ("microsoft", 1),
    ("auth", 1),
    ("config", 0),
    ("error", 0),
    ("db", 0),
    ("model", 0),
    ("telemetry", 0),
];

/// Rooms of one floor of which the first may not name the second.
const WALLS: &[(&str, &str)] = &[
    ("sync", "evidence"),
    ("evidence", "sync"),
    ("run", "sync"),
    ("run", "evidence"),
    ("microsoft", "auth"),
];

/// Files that may be longer than `LONGEST`, and why.
const LONG_FILES: &[(&str, &str)] = &[("src/db/schema.rs", "generated from the migrations")];
const LONGEST: usize = 500;

/// Ways to accept a token or a certificate that nobody vouches for.
const UNSAFE_CHOICES: &[&str] = &[
    concat!("allow_any", "_alg"),
    concat!("insecure_disable", "_signature_check"),
    concat!("danger_accept", "_invalid_certs"),
    concat!("danger_accept", "_invalid_hostnames"),
];

/// Where people's home directories are: a path into one works on one machine.
const HOMES: &[&str] = &[concat!("/", "home/"), concat!("/", "root/"), concat!("/", "Users/")];

/// One file of the repository, by its path from the root.
struct Source {
    path: String,
    text: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// `src/http/cookies.rs` is `["http", "cookies"]`, `src/http/mod.rs` is `["http"]`.
    fn module(&self) -> Option<Vec<&str>> {
        let path = self.path.strip_prefix("src/")?.strip_suffix(".rs")?;
        let mut module: Vec<&str> = path.split('/').collect();
        if module.len() > 1 && module.last() == Some(&"mod") {
            module.pop();
        }
        Some(module)
    }
}

fn floor(room: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == room).map(|(_, floor)| *floor)
}

// The rules.

fn keeps_to_its_floor(source: &Source) -> Vec<String> {
    let Some(module) = source.module().filter(|module| module[0] != "lib") else {
        return Vec::new();
    };
    let Some(own) = floor(module[0]) else {
        return vec![format!("{}: {} has no floor", source.path, module[0])];
    };
    let mut complaints = Vec::new();
    for path in paths(&code_of(&source.text)) {
        let Some(room) = room_named(&path, module.len()) else {
            continue;
        };
        let Some(named) = floor(room) else { continue };
        let walled = WALLS.contains(&(module[0], room));
        if named > own || walled {
            let path = path.join("::");
            complaints.push(format!("{} (floor {own}) names {path}", source.path));
        }
    }
    complaints
}

/// The room of this crate that a path leads into, from a module `depth` below the crate.
fn room_named(path: &[String], depth: usize) -> Option<&str> {
    let ups = path.iter().take_while(|part| *part == "super").count();
    let room = match path.first()?.as_str() {
        "crate" => path.get(1),
        "super" if ups >= depth => path.get(ups),
        _ => None,
    };
    room.map(String::as_str)
}

fn expects_rather_than_allows(source: &Source) -> Vec<String> {
    let code: String = code_of(&source.text).split_whitespace().collect();
    let allows = code.contains("#[allow(") || code.contains("#![allow(");
    complain(
        source,
        source.is_rust() && allows,
        "say #[expect(lint, reason = \"…\")], not allow",
    )
}

fn makes_no_unsafe_choice(source: &Source) -> Vec<String> {
    let chosen = |choice: &&&str| source.text.contains(**choice);
    UNSAFE_CHOICES
        .iter()
        .filter(chosen)
        .map(|choice| format!("{}: {choice}", source.path))
        .collect()
}

fn is_not_too_long(source: &Source) -> Vec<String> {
    let lines = source.text.lines().count();
    let excused = LONG_FILES.iter().any(|(path, _)| *path == source.path);
    let too_long = source.is_rust() && lines > LONGEST && !excused;
    complain(source, too_long, &format!("{lines} lines ask to be two files"))
}

fn says_what_it_is_for(source: &Source) -> Vec<String> {
    let generated = source.text.starts_with("// @generated");
    let silent = source.is_rust() && !generated && !source.text.starts_with("//!");
    complain(source, silent, "open with //! and say what the module is for")
}

fn leaves_the_environment_to_config(source: &Source) -> Vec<String> {
    let names_it = |path: Vec<String>| path.starts_with(&["std".to_owned(), "env".to_owned()]);
    let excused = source.path == "src/config.rs" || source.module().is_none();
    let reads = !excused && paths(&code_of(&source.text)).into_iter().any(names_it);
    complain(source, reads, "std::env is for config.rs alone")
}

fn keeps_product_and_simulator_apart(source: &Source) -> Vec<String> {
    let forbidden = match source.path.as_str() {
        path if path.starts_with("simulator/") => "tenantry",
        path if path == "src/demo.rs" || path.starts_with("src/demo/") => return Vec::new(),
        path if path.starts_with("src/") => "m365_simulator",
        _ => return Vec::new(),
    };
    let names_it = |path: Vec<String>| path[0] == forbidden;
    let named = source.is_rust() && paths(&code_of(&source.text)).into_iter().any(names_it);
    let depends = source.path == "simulator/Cargo.toml" && source.text.lines().any(|line| line.starts_with(forbidden));
    complain(source, named || depends, &format!("names {forbidden}"))
}

fn works_on_any_machine(source: &Source) -> Vec<String> {
    let starts_a_path = |at: usize| {
        let before = source.text[..at].chars().next_back();
        before.is_none_or(|letter| !letter.is_alphanumeric() && !"._-/".contains(letter))
    };
    let bound = HOMES
        .iter()
        .any(|home| source.text.match_indices(home).any(|(at, _)| starts_a_path(at)));
    complain(source, bound, "holds a path of somebody's home directory")
}

fn complain(source: &Source, refused: bool, why: &str) -> Vec<String> {
    if refused {
        vec![format!("{}: {why}", source.path)]
    } else {
        Vec::new()
    }
}

// The rules, kept by every file.

#[test]
fn no_file_names_a_floor_above_its_own() {
    refuse(keeps_to_its_floor, &["src"]);
}

#[test]
fn no_lint_is_allowed_without_a_reason() {
    refuse(expects_rather_than_allows, &["src", "simulator", "tests", "benches"]);
}

#[test]
fn no_check_of_a_token_or_a_certificate_is_switched_off() {
    refuse(makes_no_unsafe_choice, &["src", "simulator", "tests", "benches"]);
}

#[test]
fn no_file_is_too_long_to_read() {
    refuse(is_not_too_long, &["src", "simulator", "tests", "benches"]);
}

#[test]
fn every_module_says_what_it_is_for() {
    refuse(says_what_it_is_for, &["src", "simulator/src"]);
}

#[test]
fn settings_are_read_in_one_place() {
    refuse(leaves_the_environment_to_config, &["src"]);
}

#[test]
fn product_and_simulator_know_nothing_of_each_other() {
    refuse(keeps_product_and_simulator_apart, &["src", "simulator"]);
}

#[test]
fn no_path_is_bound_to_one_machine() {
    refuse(works_on_any_machine, &[""]);
}

fn refuse(rule: fn(&Source) -> Vec<String>, folders: &[&str]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    for folder in folders {
        collect(root, &root.join(folder), &mut sources);
    }
    assert!(!sources.is_empty(), "there are sources to judge");
    let complaints: Vec<String> = sources.iter().flat_map(rule).collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// Every text file below a folder that people write; a folder that is not there yet has none.
fn collect(root: &Path, folder: &Path, sources: &mut Vec<Source>) {
    const NOT_OURS: &[&str] = &["target", "node_modules", "dist", ".git", ".tenantry"];
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let entry = entry.expect("the folder can be read");
        let (path, name) = (entry.path(), entry.file_name());
        if NOT_OURS.iter().any(|not_ours| name == *not_ours) || path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, sources);
        } else if let Ok(text) = fs::read_to_string(&path) {
            let path = path.strip_prefix(root).expect("found below the root");
            sources.push(Source::new(path.to_str().expect("a path of ours is text"), &text));
        }
    }
}

// The rules, broken.

fn assert_refused(rule: fn(&Source) -> Vec<String>, path: &str, text: &str) {
    assert!(!rule(&Source::new(path, text)).is_empty(), "{path} is refused:\n{text}");
}

fn assert_accepted(rule: fn(&Source) -> Vec<String>, path: &str, text: &str) {
    assert_eq!(rule(&Source::new(path, text)), Vec::<String>::new(), "{path}:\n{text}");
}

#[test]
fn a_file_that_names_a_floor_above_its_own_is_refused() {
    let refused = |path, text| assert_refused(keeps_to_its_floor, path, text);
    refused("src/model/contact.rs", "use crate::graphql::Contact;");
    refused("src/model/contact.rs", "use crate::{db::Pool, sync::{self, plan}};");
    refused("src/model/contact.rs", "fn f() { crate :: http :: serve() }");
    refused("src/db/mod.rs", "use super::jobs;");
    refused("src/db/embedded/server.rs", "use super::super::super::app::App;");
    refused("src/sync/plan.rs", "pub(in crate::http) fn f() {}");
    refused("src/sync/plan.rs", "use crate::evidence::Check;");
    refused("src/microsoft/mod.rs", "use crate::auth::Viewer;");
    refused("src/helper.rs", "//! A room that has no floor.");

    let accepted = |path, text| assert_accepted(keeps_to_its_floor, path, text);
    accepted("src/auth/sign_in.rs", "use crate::microsoft::Microsoft;");
    accepted(
        "src/graphql/contact.rs",
        "use crate::model::contact; use super::page::Page;",
    );
    accepted(
        "src/model/contact.rs",
        "// crate::graphql\nconst A: &str = \"crate::http\";",
    );
    accepted("src/lib.rs", "pub use crate::http::serve;");
}

#[test]
fn a_lint_that_is_allowed_is_refused() {
    let refused = |text| assert_refused(expects_rather_than_allows, "src/app.rs", text);
    refused(concat!("#[all", "ow(dead_code)]\nfn f() {}"));
    refused(concat!("#![ all", "ow ( clippy::all ) ]"));
    assert_accepted(
        expects_rather_than_allows,
        "src/app.rs",
        "#[expect(dead_code, reason = \"x\")]\nfn f() {}",
    );
}

#[test]
fn a_check_that_is_switched_off_is_refused() {
    for choice in UNSAFE_CHOICES {
        assert_refused(
            makes_no_unsafe_choice,
            "src/auth/sign_in.rs",
            &format!("verifier.{choice}();"),
        );
    }
}

#[test]
fn a_file_that_is_too_long_is_refused() {
    assert_accepted(is_not_too_long, "src/app.rs", &"//\n".repeat(LONGEST));
    assert_refused(is_not_too_long, "src/app.rs", &"//\n".repeat(LONGEST + 1));
}

#[test]
fn a_module_that_does_not_say_what_it_is_for_is_refused() {
    assert_refused(says_what_it_is_for, "src/http/mod.rs", "// Routes.\nmod cookies;");
    assert_accepted(says_what_it_is_for, "src/http/mod.rs", "//! The routes.\nmod cookies;");
}

#[test]
fn a_setting_that_is_read_elsewhere_is_refused() {
    let rule = leaves_the_environment_to_config;
    assert_refused(rule, "src/app.rs", "let url = std::env::var(\"DATABASE_URL\");");
    assert_refused(rule, "src/app.rs", "use std::{env, fs};");
    assert_accepted(rule, "src/config.rs", "let url = std::env::var(\"DATABASE_URL\");");
    assert_accepted(rule, "src/app.rs", "const AT: &str = env!(\"CARGO_PKG_VERSION\");");
}

#[test]
fn a_simulator_that_knows_the_product_is_refused() {
    let rule = keeps_product_and_simulator_apart;
    assert_refused(rule, "simulator/src/lib.rs", "use tenantry::model::Contact;");
    assert_refused(
        rule,
        "simulator/Cargo.toml",
        "[dependencies]\ntenantry = { path = \"..\" }",
    );
    assert_refused(rule, "src/sync/mod.rs", "m365_simulator::start();");
    assert_accepted(rule, "src/demo.rs", "m365_simulator::start();");
}

#[test]
fn a_path_of_one_machine_is_refused() {
    for home in HOMES {
        assert_refused(works_on_any_machine, "README.md", &format!("cd {home}me/tenantry"));
        assert_refused(works_on_any_machine, "README.md", &format!("{home}me"));
    }
    let [.., users] = HOMES else { panic!("there are homes") };
    assert_accepted(
        works_on_any_machine,
        "README.md",
        &format!("https://graph.microsoft.com/v1.0{users}me"),
    );
}
