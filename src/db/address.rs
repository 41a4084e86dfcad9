//! Where a database is, and how it is reached: in the clear, or by TLS.
//!
//! The danger is a connection that is encrypted to a stranger: whoever stands between would read every row. So TLS here
//! always asks for a certificate that a known authority has signed for the name that was dialled, whether the address
//! says `sslmode=require` or `verify-full`; the ways of other clients that encrypt without asking are refused.
//!
//! Each connection of ours is opened here: the pool's, and those for `LISTEN`, `COPY`, leases and migrations.

use std::path::PathBuf;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::task::{Context as Task, Poll};
use std::time::Duration;

use anyhow::{Context, bail};
use diesel::{ConnectionError, ConnectionResult};
use diesel_async::AsyncPgConnection;
use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres::{Client, Config, Socket};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// A transaction in which nothing happens for so long belongs to a process that is frozen, or gone without a word: the
/// server ends it, and with it the locks that others wait for. Ours never pause so long.
const LONGEST_PAUSE: &str = "set idle_in_transaction_session_timeout = '60s'";

/// A connection before anybody has spoken on it.
pub type Wire = tokio_postgres::Connection<Socket, Encrypted>;

/// Where a database is, and how it is reached. Cheap to clone.
#[derive(Clone)]
pub struct Address {
    /// Without what it says of TLS, which not every client reads alike.
    url: Arc<str>,
    config: Arc<Config>,
    tls: Tls,
    authorities: Option<PathBuf>,
}

impl Address {
    /// Reads `postgresql://user@host/database`, with `sslmode` and `sslrootcert` besides what tokio-postgres knows.
    ///
    /// # Errors
    /// When it is no such address, asks for a kind of TLS that is refused here, or names a file of authorities that
    /// cannot be read. The errors do not quote the address, which holds a password.
    pub fn parse(url: &str) -> anyhow::Result<Self> {
        let (place, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut rest, mut mode, mut authorities) = (Vec::new(), None, None);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", said)) => mode = Some(said),
                Some(("sslrootcert", said)) => authorities = Some(decoded(said)),
                _ => rest.push(pair),
            }
        }
        let url = if rest.is_empty() {
            place.to_owned()
        } else {
            format!("{place}?{}", rest.join("&"))
        };
        let mut config = Config::from_str(&url).context("this is not the address of a Postgres database")?;
        let (wanted, tls) = match (mode.unwrap_or("disable"), &authorities) {
            ("disable", None) => (SslMode::Disable, Tls(None)),
            ("disable", Some(_)) => bail!("sslrootcert is there, and no TLS: say sslmode=verify-full"),
            ("require" | "verify-full", Some(file)) => (SslMode::Require, Tls::trusting(file)?),
            ("require" | "verify-full", None) => bail!(
                "sslmode says TLS: name the file of the authorities to believe with sslrootcert=FILE \
                 (those of the system are in /etc/ssl/certs/ca-certificates.crt on Debian)"
            ),
            (other, _) => {
                bail!("sslmode={other} does not ask who answers: say disable, or verify-full with sslrootcert=FILE")
            }
        };
        config.ssl_mode(wanted);
        hear_of_silence(&mut config);
        Ok(Self {
            url: url.into(),
            config: Arc::new(config),
            tls,
            authorities,
        })
    }

    /// The same place, reached under a name that the server shows with each connection, unless the address has one.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        if self.config.get_application_name().is_none() {
            Arc::make_mut(&mut self.config).application_name(name);
        }
        self
    }

    /// The name that the server shows with each connection, if it has one.
    pub fn name(&self) -> Option<&str> {
        self.config.get_application_name()
    }

    /// Host, port and database, for people: nothing of it is secret.
    pub fn place(&self) -> String {
        let hosts = self.config.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(folder) => folder.display().to_string(),
        });
        let ports = self.config.get_ports().iter().map(ToString::to_string);
        format!(
            "{}:{}/{}",
            hosts.collect::<Vec<_>>().join(","),
            ports.collect::<Vec<_>>().join(","),
            self.config.get_dbname().unwrap_or_default()
        )
    }

    /// The address without what it says of TLS.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The file of the authorities whose word is taken, where it is reached by TLS.
    pub fn authorities(&self) -> Option<&PathBuf> {
        self.authorities.as_ref()
    }

    /// Opens a connection; whoever gets it has to drive the [`Wire`].
    ///
    /// # Errors
    /// When the database cannot be reached, or is not who it should be.
    pub async fn dial(&self) -> Result<(Client, Wire), tokio_postgres::Error> {
        self.config.connect(self.tls.clone()).await
    }

    /// A connection that ends when the client is dropped.
    ///
    /// # Errors
    /// As [`Self::dial`].
    pub async fn client(&self) -> anyhow::Result<Client> {
        let (client, wire) = self.dial().await.context("connecting to Postgres")?;
        tokio::spawn(async move {
            if let Err(error) = wire.await {
                tracing::debug!(%error, "a connection to Postgres ended");
            }
        });
        client
            .simple_query(LONGEST_PAUSE)
            .await
            .context("connecting to Postgres")?;
        Ok(client)
    }

    /// A connection for diesel.
    ///
    /// # Errors
    /// As [`Self::dial`].
    pub async fn establish(&self) -> ConnectionResult<AsyncPgConnection> {
        let (client, wire) = self.dial().await.map_err(refused)?;
        let conn = AsyncPgConnection::try_from_client_and_connection(client, wire).await?;
        diesel_async::RunQueryDsl::execute(diesel::sql_query(LONGEST_PAUSE), &mut &conn)
            .await
            .map_err(ConnectionError::CouldntSetupConfiguration)?;
        Ok(conn)
    }
}

/// A machine that went away says nothing. Without these, whoever waits for its answer waits for a quarter of an hour, or for
/// two. What the address says itself goes before; of the time until the first question after silence, the shorter.
fn hear_of_silence(config: &mut Config) {
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(Duration::from_secs(10));
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(Duration::from_secs(30));
    }
    config.keepalives_idle(config.get_keepalives_idle().min(Duration::from_secs(30)));
    if config.get_keepalives_interval().is_none() {
        config.keepalives_interval(Duration::from_secs(10));
    }
    if config.get_keepalives_retries().is_none() {
        config.keepalives_retries(3);
    }
}

/// Postgres' own words, with what lies behind them: the error alone says "db error" of all of them.
fn refused(error: impl std::error::Error) -> ConnectionError {
    let because = error.source().map(|source| format!(": {source}")).unwrap_or_default();
    ConnectionError::BadConnection(format!("{error}{because}"))
}

/// A `+` is a plus here, as libpq has it.
fn decoded(said: &str) -> PathBuf {
    let pair = format!("file={}", said.replace('+', "%2B"));
    let mut pairs = url::form_urlencoded::parse(pair.as_bytes());
    pairs
        .next()
        .map(|(_, file)| PathBuf::from(file.into_owned()))
        .unwrap_or_default()
}

/// How TLS is spoken, where it is.
#[derive(Clone)]
struct Tls(Option<TlsConnector>);

impl Tls {
    fn trusting(authorities: &PathBuf) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        let shown = authorities.display();
        for certificate in
            CertificateDer::pem_file_iter(authorities).with_context(|| format!("sslrootcert: reading {shown}"))?
        {
            let certificate = certificate.with_context(|| format!("sslrootcert: reading {shown}"))?;
            roots
                .add(certificate)
                .with_context(|| format!("sslrootcert: a certificate in {shown}"))?;
        }
        if roots.is_empty() {
            bail!("sslrootcert: {shown} holds no certificate");
        }
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .context("the versions of TLS")?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(Some(Arc::new(config).into())))
    }
}

impl MakeTlsConnect<Socket> for Tls {
    type Stream = Encrypted;
    type TlsConnect = Handshake;
    type Error = std::io::Error;

    fn make_tls_connect(&mut self, domain: &str) -> Result<Handshake, Self::Error> {
        Ok(Handshake {
            connector: self.0.clone(),
            domain: domain.to_owned(),
        })
    }
}

/// A handshake with the server of this name.
pub struct Handshake {
    connector: Option<TlsConnector>,
    domain: String,
}

impl TlsConnect<Socket> for Handshake {
    type Stream = Encrypted;
    type Error = std::io::Error;
    type Future = BoxFuture<'static, Result<Encrypted, Self::Error>>;

    fn connect(self, stream: Socket) -> Self::Future {
        Box::pin(async move {
            let connector = self
                .connector
                .ok_or_else(|| std::io::Error::other("TLS was not asked for"))?;
            let server = ServerName::try_from(self.domain).map_err(std::io::Error::other)?;
            Ok(Encrypted(connector.connect(server, stream).await?))
        })
    }
}

/// A socket inside TLS. Channel binding is not offered: the certificate has been checked already.
pub struct Encrypted(tokio_rustls::client::TlsStream<Socket>);

impl TlsStream for Encrypted {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Encrypted {
    fn poll_read(mut self: Pin<&mut Self>, task: &mut Task<'_>, into: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(task, into)
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(mut self: Pin<&mut Self>, task: &mut Task<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(task, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(task)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(task)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str) -> String {
        let refused = Address::parse(url).err().expect("it is refused");
        format!("{refused:#}")
    }

    #[test]
    fn an_address_that_encrypts_without_asking_who_answers_is_refused() {
        for mode in ["prefer", "allow", "verify-ca"] {
            let refused = refusal(&format!("postgresql://u:secret@db.example/tenantry?sslmode={mode}"));
            assert!(refused.contains(mode) && !refused.contains("secret"), "{refused}");
        }
        assert!(refusal("postgresql://db.example/t?sslmode=require").contains("sslrootcert"));
        assert!(
            refusal("postgresql://db.example/t?sslmode=verify-full&sslrootcert=/nowhere.pem").contains("/nowhere.pem")
        );
        assert!(refusal("postgresql://db.example/t?sslrootcert=/nowhere.pem").contains("sslmode"));
    }

    #[test]
    fn what_is_no_address_is_refused_without_being_quoted() {
        let refused = refusal("postgresql://u:secret@db.example:port/tenantry");
        assert!(!refused.contains("secret"), "{refused}");
    }

    #[test]
    fn the_place_of_a_database_holds_no_secret() {
        let address = Address::parse("postgresql://u:secret@db.example:6543/tenantry").expect("an address");
        assert_eq!(address.place(), "db.example:6543/tenantry");
    }

    #[test]
    fn a_name_that_the_address_has_is_kept() {
        let name = |url: &str| Address::parse(url).expect("an address").named("tenantry serve");
        let own = name("postgresql://db.example/t?application_name=psa");
        assert_eq!(own.name(), Some("psa"));
        assert_eq!(name("postgresql://db.example/t").name(), Some("tenantry serve"));
    }

    #[test]
    fn the_rest_of_an_address_stays_as_it_was() {
        let url = "postgresql:///tenantry?host=%2Fvar%2Frun&port=5432&user=tenantry";
        let address = Address::parse(&format!("{url}&sslmode=disable")).expect("an address");
        assert_eq!(address.url(), url);
        assert_eq!(address.authorities(), None);
    }
}
