//! The settings, as operators read of them: each one is in the README, and nothing is told of that is not there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// What is no setting of the product: of its tests, of the demo's hand-out, and codes of failures and kinds of alarms.
const OTHERS: &[&str] = &[
    "TENANTRY_CHAOS_SEED",
    "TENANTRY_CHAOS_SECONDS",
    "TENANTRY_MAY_SKIP",
    "TENANTRY_URL",
    "MICROSOFT_UNAVAILABLE",
    "MICROSOFT_UNREACHABLE",
];

fn text(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The words of a text that are written like settings.
fn named(text: &str) -> BTreeSet<String> {
    text.split(|letter: char| !letter.is_ascii_uppercase() && letter != '_')
        .filter(|word| {
            let prefixes = ["TENANTRY_", "MICROSOFT_", "OTEL_"];
            prefixes.iter().any(|prefix| word.starts_with(prefix)) || *word == "DATABASE_URL"
        })
        .filter(|word| !OTHERS.contains(word) && !word.ends_with('_'))
        .map(str::to_owned)
        .collect()
}

/// The settings that the sources read.
fn read() -> BTreeSet<String> {
    let mut settings = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the sources").flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let source = fs::read_to_string(entry.path()).unwrap_or_default();
            settings.extend(
                source
                    .split("env = \"")
                    .skip(1)
                    .filter_map(|rest| rest.split('"').next().map(str::to_owned)),
            );
        }
    }
    settings
}

#[test]
fn every_setting_is_in_the_readme() {
    let (read, told) = (read(), named(&text("README.md")));
    let untold: Vec<_> = read.difference(&told).collect();
    assert!(
        read.contains("DATABASE_URL") && untold.is_empty(),
        "the README does not tell of {untold:?}"
    );
}

#[test]
fn no_page_and_no_file_of_operations_names_a_setting_that_is_not_there() {
    let read = read();
    for path in [
        "README.md",
        "docs/microsoft.md",
        "docs/operations.md",
        "Dockerfile",
        "compose.yaml",
        "ops/tenantry.env",
        "ops/prometheus.yml",
        "ops/alerts.yml",
        "ops/systemd/tenantry-serve.service",
        "ops/systemd/tenantry-work@.service",
    ] {
        let unknown: Vec<_> = named(&text(path))
            .into_iter()
            .filter(|name| !read.contains(name))
            .collect();
        assert!(unknown.is_empty(), "{path} names {unknown:?}, which nothing reads");
    }
}

#[test]
fn every_setting_of_the_env_file_reaches_the_containers() {
    let compose = text("compose.yaml");
    let (shared, services) = compose.split_once("\nservices:").expect("services");
    assert!(shared.contains("env_file: [.env]"), "what every process of ours shares");
    for service in ["migrate", "serve", "work"] {
        let (_, own) = services.split_once(&format!("\n  {service}:\n")).expect("a service");
        assert!(own.trim_start().starts_with("<<: *tenantry"), "{service}");
    }
    // What compose sets by itself wins over the file: so it has to ask the file first.
    let read = read();
    let lines = compose.lines().map(str::trim);
    let set = lines.filter_map(|line| line.split_once(": ").filter(|(name, _)| read.contains(*name)));
    let mut seen = 0;
    for (name, value) in set {
        seen += 1;
        let asked = [":-", ":?", "-"].map(|otherwise| format!("${{{name}{otherwise}"));
        assert!(
            asked.iter().any(|asked| value.starts_with(asked)),
            "{name} is {value}, whatever the file says"
        );
    }
    assert!(seen > 4, "it sets some");
}

#[test]
fn each_worker_that_is_shipped_is_scraped_where_it_listens() {
    let scraped = text("ops/prometheus.yml");
    let unit = text("ops/systemd/tenantry-work@.service");
    assert!(unit.contains("TENANTRY_WORKER_LISTEN=127.0.0.1:910%i\n"));
    assert!(text("compose.yaml").contains("127.0.0.1:9101-9102:9100"));
    assert!(scraped.contains("127.0.0.1:9101") && scraped.contains("127.0.0.1:9102"));
}
