//! What is in a bundle.

use super::*;

#[tokio::test]
async fn the_same_evidence_makes_the_same_bytes() {
    let keeper = story().await;
    let first = keeper.bundle().await;
    let other_pool = tenantry::db::Pool::new(keeper.pool.direct().url(), 2).expect("a pool");
    let company = company::find(&mut *keeper.conn().await, &Scope::All, keeper.company)
        .await
        .expect("the database answers")
        .expect("the company is there");
    let wanted = Wanted::new(company, monday() - Duration::days(1), keeper.next).expect("a period");
    let scope = Scope::Companies(vec![keeper.company]);
    let second = export::export(&other_pool, &scope, wanted, keeper.next, Format::Bundle)
        .await
        .expect("it is made by somebody who sees one company");
    let mut bytes = Vec::new();
    second.reader().read_to_end(&mut bytes).expect("it is read");
    assert_eq!(hex(&Sha256::digest(&first)), hex(&Sha256::digest(&bytes)));
    assert_eq!(Some(verify(&first).hashes_sha256), second.hashes_sha256);
    assert_eq!(faults(&first), Vec::<String>::new());
}

#[tokio::test]
async fn the_bundle_of_a_period_that_is_over_does_not_change_with_what_comes_after() {
    let mut keeper = story().await;
    let (from, to) = (monday() - Duration::days(1), keeper.next);
    let before = keeper.export(Format::Bundle, from, to, to).await;
    keeper
        .keep(
            readings("disabled", vec![person("u", "Una")]),
            &[verdict(CHECK, &["u"], &["u"])],
        )
        .await;
    keeper.except("v").await;
    let after = keeper.export(Format::Bundle, from, to, keeper.next).await;
    assert!(before == after);
}

#[tokio::test]
async fn the_bundle_tells_the_story_of_the_period() {
    let keeper = story().await;
    let files = files(&keeper.bundle().await);

    let findings = text(&files, "findings.csv");
    let v = findings
        .lines()
        .find(|line| line.contains("\"v\""))
        .expect("v was found");
    assert!(
        v.contains("\"2026-01-05T06:15:00.000000Z\",\"2026-01-05T18:15:00.000000Z\",\"CLOSED\""),
        "{v}"
    );
    let events = text(&files, "finding-events.csv");
    assert_eq!(
        events.matches("\"NOT_EVALUATED\"").count(),
        2,
        "nobody could look in the third run: {events}"
    );
    let changes = text(&files, "changes.csv");
    let policy = changes
        .lines()
        .filter(|line| line.contains("\"ca_policies\""))
        .collect::<Vec<_>>();
    assert_eq!(policy.len(), 3, "{changes}");
    assert!(policy[1].contains("\"CHANGED\",\"disabled\",\"state\""), "{changes}");
    let results = text(&files, "results.csv");
    assert_eq!(results.lines().count(), 1 + 4);
    assert!(
        results.contains("\"INDETERMINATE\"") && results.contains("\"users: no more\""),
        "{results}"
    );
    assert_eq!(text(&files, "results-last.csv").lines().count(), 1 + 1);
    let completeness = text(&files, "completeness.csv");
    assert!(
        completeness.contains("/v1.0/users/$count gave 2 in the same run."),
        "{completeness}"
    );
    assert!(
        completeness.contains("NOT to the last page") && completeness.contains("\"PARTIAL\""),
        "{completeness}"
    );
    let population = files
        .keys()
        .find(|name| name.starts_with("populations/MEMBERS-"))
        .expect("a population");
    let population = text(&files, population);
    assert!(
        population.contains("\"v\",\"<b>Vera</b>\",\"v@contoso.example\",\"PASSED\""),
        "{population}"
    );
    assert!(text(&files, "objects/managed_devices.csv").contains("\"d\",\"PC d\""));
    let due = text(&files, "runs-expected.csv");
    assert!(due.contains("\"MISSING\""), "nobody has struck the clock here: {due}");
    let readme = text(&files, "README.txt");
    assert!(
        readme.contains("GET /v1.0/things\n  permission: Policy.Read.All"),
        "{readme}"
    );
    let page = text(&files, "index.html");
    assert!(
        !page.contains("<script") && page.contains("entra.ca.mfa_all_users"),
        "{page}"
    );
}

#[tokio::test]
async fn who_passed_is_told_where_a_check_judges_more_than_one_list() {
    let mut keeper = Keeper::start().await;
    let mut verdict = verdict(CHECK, &["u", "v"], &["u"]);
    let set = |name: &str, id: &str| Population {
        name: name.into(),
        size: 1,
        ids: vec![id.into()],
        completeness: "They gave them all.".into(),
    };
    verdict.populations = vec![set("MEMBERS", "u"), set("GUESTS", "v")];
    let people = vec![person("u", "Una"), person("v", "Vera")];
    keeper.keep(readings("enabled", people), &[verdict]).await;

    let files = files(&keeper.bundle().await);

    let list = |set: &str| {
        let name = files
            .keys()
            .find(|name| name.starts_with(&format!("populations/{set}-")));
        text(&files, name.expect("a population"))
    };
    assert!(
        list("MEMBERS").contains("\"Una\",\"u@contoso.example\",\"FAILED\""),
        "{}",
        list("MEMBERS")
    );
    assert!(
        list("GUESTS").contains("\"Vera\",\"v@contoso.example\",\"PASSED\""),
        "{}",
        list("GUESTS")
    );
}

#[tokio::test]
async fn what_begins_a_formula_is_text_in_every_list() {
    let keeper = story().await;
    let files = files(&keeper.bundle().await);
    let users = text(&files, "objects/users.csv");
    assert!(users.contains("\"'=cmd|' /C calc'!A0\""), "{users}");
    let declarations = text(&files, "declarations.csv");
    assert!(
        declarations.contains("\"'=HYPERLINK(\"\"https://evil.example\"\")\""),
        "{declarations}"
    );
    for (name, content) in files.iter().filter(|(name, _)| name.ends_with(".csv")) {
        let content = std::str::from_utf8(content).expect("text");
        for sign in ["=", "+", "-", "@"] {
            assert!(
                !content.contains(&format!(",\"{sign}")) && !content.contains(&format!("\n\"{sign}")),
                "{name}"
            );
        }
    }
}

#[tokio::test]
async fn an_empty_period_makes_a_bundle_that_says_so() {
    let keeper = story().await;
    for (from, to) in [(-9, -8), (30, 31)] {
        let (from, to) = (monday() + Duration::days(from), monday() + Duration::days(to));
        let bundle = keeper.export(Format::Bundle, from, to, to).await;
        assert_eq!(faults(&bundle), Vec::<String>::new());
        let files = files(&bundle);
        assert_eq!(text(&files, "runs.csv").lines().count(), 1);
        assert!(text(&files, "index.html").contains("No run was kept in the period."));
    }
    let mut nobody = Keeper::start().await;
    nobody.next += Duration::days(1);
    assert_eq!(
        faults(&nobody.bundle().await),
        Vec::<String>::new(),
        "nothing was ever kept"
    );
}

#[tokio::test]
async fn a_period_in_the_middle_begins_with_what_stood_before() {
    let mut keeper = story().await;
    keeper.keep(readings("enabled", vec![person("u", "Una")]), &[]).await;
    let (from, to) = (monday() + Duration::hours(5), monday() + Duration::hours(17));
    let bundle = keeper.export(Format::Bundle, from, to, keeper.next).await;
    assert_eq!(faults(&bundle), Vec::<String>::new());
    let files = files(&bundle);
    assert_eq!(text(&files, "runs.csv").lines().count(), 1 + 2);
    let findings = text(&files, "findings.csv");
    assert!(
        findings.contains("\"u\"") && findings.contains("\"NOT_EVALUATED\""),
        "{findings}"
    );
    assert!(
        text(&files, "objects/managed_devices.csv").contains("\"d\""),
        "unchanged since before"
    );
}

#[tokio::test]
async fn a_name_with_everything_in_it_stays_a_name() {
    let keeper = story().await;
    keeper
        .sql(&format!(
            "update company set name = E'O\\'Neil, \"Sons\"\\n=1+1 <script>' where id = '{}'",
            keeper.company
        ))
        .await;
    let bundle = keeper.bundle().await;
    assert_eq!(faults(&bundle), Vec::<String>::new());
    assert_eq!(verify(&bundle).company, "O'Neil, \"Sons\"\n=1+1 <script>");
    let files = files(&bundle);
    assert!(text(&files, "index.html").contains("O&#39;Neil, &quot;Sons&quot;\n=1+1 &lt;script&gt;"));
    assert!(text(&files, "README.txt").starts_with("Evidence of O'Neil, \"Sons\" =1+1 <script>\n"));
}

#[tokio::test]
async fn what_retention_took_is_no_fault_and_is_named() {
    let mut keeper = story().await;
    let from = monday() - Duration::days(1);
    keeper.next = monday() + Duration::days(100);
    keeper
        .keep(
            readings("enabled", vec![person("u", "Una"), person("v", "Vera")]),
            &[verdict(CHECK, &["u", "v"], &["u"])],
        )
        .await;
    for (days, class) in [(200, "\"RAW\""), (420, "\"HISTORY\"")] {
        let now = monday() + Duration::days(days);
        keep::prune(&mut *keeper.conn().await, now)
            .await
            .expect("the database answers");
        let bundle = keeper
            .export(Format::Bundle, from, from + Duration::days(150), now)
            .await;
        assert_eq!(faults(&bundle), Vec::<String>::new(), "{class}");
        assert!(text(&files(&bundle), "retention.csv").contains(class));
    }
}

#[tokio::test]
async fn a_bundle_needs_no_tombstone_of_a_time_that_is_over() {
    let mut keeper = Keeper::start().await;
    let day = |day: i64| monday() + Duration::days(day);
    for (run, looked) in [(0, 100), (150, 500), (600, 700)] {
        keeper.next = day(run);
        let changing = device("d", "compliant", &format!("day {run}"));
        let readings = [
            (Resource::ManagedDevices, vec![changing]),
            (Resource::Users, vec![person("u", "Una")]),
        ];
        keeper.keep(read(readings), &[verdict(CHECK, &["u"], &["u"])]).await;
        let pruned = keep::prune(&mut *keeper.conn().await, day(looked)).await;
        assert!(!pruned.expect("the database answers").tombstones.is_empty());
    }

    let bundle = keeper.export(Format::Bundle, day(590), day(601), day(700)).await;

    assert_eq!(faults(&bundle), Vec::<String>::new());
    let retention = files(&bundle);
    let retention = text(&retention, "retention.csv");
    let first_look = day(100).format("\"%Y-%m-%d").to_string();
    let of_then = retention.lines().any(|line| line.starts_with(&first_look));
    assert!(retention.contains("HISTORY") && !of_then, "{retention}");
}

#[tokio::test]
async fn a_period_has_to_be_one() {
    let keeper = Keeper::start().await;
    let company = company::find(&mut *keeper.conn().await, &Scope::All, keeper.company)
        .await
        .expect("answers")
        .expect("there");
    assert!(Wanted::new(company.clone(), monday(), monday()).is_err());
    assert!(Wanted::new(company, monday(), monday() + Duration::days(401)).is_err());
    assert_eq!(export::moment("2026-01-05"), Some(monday() - Duration::minutes(15)));
    assert_eq!(export::moment("2026-01-05T01:15:00+01:00"), Some(monday()));
    assert_eq!(export::moment("yesterday"), None);
}
