//! Backups as operators make them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use uuid::Uuid;

/// Dumps a database into a file.
pub fn dump(url: &str) -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.dump", Uuid::new_v4().simple()));
    let made = Command::new("pg_dump")
        .args(["--format=custom", "--dbname", url, "--file"])
        .arg(&file)
        .output()
        .expect("pg_dump is there");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    file
}

/// Restores a dump into a database, and answers how that went.
pub fn restore(file: &Path, url: &str, flags: &[&str]) -> Output {
    let mut command = Command::new("pg_restore");
    command.args(flags).args(["--dbname", url]).arg(file);
    command.output().expect("pg_restore is there")
}
