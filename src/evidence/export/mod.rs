//! Evidence to take away: what is kept of a company in a period as one archive, which verifies without us.
//!
//! An archive is made in two steps. First what is sealed is [gathered](gather) as it is kept: rows, contents, the chain.
//! Then everything that people read is [made](derive) from that and from nothing else. [`verify_bundle`] holds an archive
//! against itself, makes the second part again, and names what differs.
//!
//! The dangers: an archive that differs from one of the same evidence, so that nobody can compare them; a list that says
//! something else than the evidence; and an archive from outside, which is opened with [care](archive).

mod archive;
mod binder;
mod csv;
mod derive;
mod gather;
mod layout;
mod oscal;
mod verify;

use std::io::Read;

use anyhow::Context;
use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};

use crate::db::Pool;
use crate::error::UserError;
use crate::evidence::keep;
use crate::model::{Company, Scope};
use archive::Handle;
pub use archive::Unreadable;
use binder::{Binder, Bound, Press, put_together};
use derive::Source;
pub use verify::{Fault, Verified, verify_bundle};

/// The longest period, in days.
const LONGEST: i64 = 400;

/// What somebody wants to take away.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub company: Company,
    /// The period, to before `to`.
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
}

impl Wanted {
    /// A period that can be had: it ends after it begins, at most 400 days later.
    ///
    /// # Errors
    /// `BAD_INPUT` otherwise.
    pub fn new(company: Company, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Self, UserError> {
        if !keep::YEARS.contains(&from.year()) || !keep::YEARS.contains(&to.year()) {
            return Err(UserError::at(
                "BAD_INPUT",
                &["from"],
                "A period lies in this century or the one before.",
            ));
        }
        if from >= to {
            return Err(UserError::at(
                "BAD_INPUT",
                &["to"],
                "The period has to end after it begins.",
            ));
        }
        if to - from > TimeDelta::days(LONGEST) {
            return Err(UserError::at(
                "BAD_INPUT",
                &["to"],
                "A period may last 400 days at most.",
            ));
        }
        Ok(Self { company, from, to })
    }
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", keep::moment(self.from), keep::moment(self.to))
    }
}

/// A moment as people write it: a day, which begins at midnight in UTC, or RFC 3339.
pub fn moment(text: &str) -> Option<DateTime<Utc>> {
    let day = text.parse::<NaiveDate>().ok().and_then(|day| day.and_hms_opt(0, 0, 0));
    let moment = day.map(|midnight| midnight.and_utc());
    moment.or_else(|| text.parse().ok())
}

/// In which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An archive with everything.
    Bundle,
    /// OSCAL assessment results alone.
    Oscal,
}

/// What was made. The file has no name, and is gone when it is closed.
pub struct Made {
    handle: Handle,
    /// Of a bundle: the SHA-256 of its list of hashes.
    pub hashes_sha256: Option<String>,
}

impl Made {
    /// Reads it from its beginning.
    pub fn reader(&self) -> impl Read + Send + use<> {
        self.handle.clone()
    }

    /// In bytes.
    ///
    /// # Errors
    /// When the file cannot be looked at.
    pub fn size(&self) -> std::io::Result<u64> {
        self.handle.size()
    }
}

/// Makes it. `now` decides which runs were due already.
///
/// # Errors
/// When the database or the disk fails, or retention removes evidence of the company meanwhile.
pub async fn export(
    pool: &Pool,
    scope: &Scope,
    wanted: Wanted,
    now: DateTime<Utc>,
    format: Format,
) -> anyhow::Result<Made> {
    let sealed = gathered(pool, scope, wanted, now).await?;
    let made = tokio::task::spawn_blocking(move || match format {
        Format::Bundle => bundle(sealed),
        Format::Oscal => oscal(sealed),
    });
    made.await.context("making it panicked")?
}

async fn gathered(pool: &Pool, scope: &Scope, wanted: Wanted, now: DateTime<Utc>) -> anyhow::Result<Bound> {
    let mut press = Press::start();
    // The ticks of the clock are no evidence, and nobody sees them through a narrowed scope; `period` holds the scope.
    let slots = {
        let mut conn = pool.get().await?;
        keep::period(&mut conn, scope, wanted.company.id, wanted.from, wanted.to, now).await?
    };
    let press = pool
        .read(scope, async move |conn| {
            gather::gather(conn, &wanted, &slots, &mut press).await?;
            Ok::<_, anyhow::Error>(press)
        })
        .await?;
    press.finish().await
}

fn bundle(sealed: Bound) -> anyhow::Result<Made> {
    let mut source = Source::open(sealed.handle.clone())?;
    let mut made = Binder::new()?;
    for name in derive::names(&mut source)? {
        made.begin(&name)?;
        derive::make(&mut source, &name, &mut made)?;
    }
    let (whole, hashes_sha256) = put_together(vec![sealed, made.finish()?])?;
    Ok(Made {
        handle: whole.handle,
        hashes_sha256: Some(hashes_sha256),
    })
}

fn oscal(sealed: Bound) -> anyhow::Result<Made> {
    let mut source = Source::open(sealed.handle)?;
    let mut file = std::io::BufWriter::new(tempfile::tempfile()?);
    derive::make(&mut source, derive::OSCAL, &mut file)?;
    Ok(Made {
        handle: Handle::new(file.into_inner()?),
        hashes_sha256: None,
    })
}
