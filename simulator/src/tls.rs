//! A certificate authority for tests, and the certificate for localhost that it signs.
//!
//! The authority's key never leaves the folder (or the process, where there is no folder), and its
//! name says what it is: whoever trusts it trusts anything that the simulator says.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

pub struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// The authority of a folder (`ca.pem`, `ca.key`), made at the first time; without one, a new one.
    pub fn load_or_create(folder: Option<&Path>) -> anyhow::Result<Self> {
        let Some(folder) = folder else {
            return Self::create().map(|(authority, _)| authority);
        };
        let (pem_path, key_path) = (folder.join("ca.pem"), folder.join("ca.key"));
        if let (Ok(pem), Ok(key)) = (std::fs::read_to_string(&pem_path), std::fs::read_to_string(&key_path)) {
            let key = KeyPair::from_pem(&key).with_context(|| format!("{} holds no key", key_path.display()))?;
            // The subject is always the same, so the issuer can be rebuilt without parsing the certificate.
            return Ok(Self {
                pem,
                issuer: Issuer::new(Self::params()?, key),
            });
        }
        let (authority, key) = Self::create()?;
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        write_private(&key_path, &key)?;
        std::fs::write(&pem_path, &authority.pem).with_context(|| format!("cannot write {}", pem_path.display()))?;
        Ok(authority)
    }

    fn params() -> anyhow::Result<CertificateParams> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(
            DnType::CommonName,
            "m365-simulator test authority, trust it nowhere else",
        );
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::CrlSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        Ok(params)
    }

    fn create() -> anyhow::Result<(Self, String)> {
        let key = KeyPair::generate()?;
        let secret = key.serialize_pem();
        let params = Self::params()?;
        let pem = params.self_signed(&key)?.pem();
        Ok((
            Self {
                pem,
                issuer: Issuer::new(params, key),
            },
            secret,
        ))
    }

    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A server for `localhost` and `127.0.0.1`.
    pub fn acceptor(&self) -> anyhow::Result<TlsAcceptor> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, "localhost");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate: CertificateDer<'static> = params.signed_by(&key, &self.issuer)?.der().clone();
        let key = PrivateKeyDer::try_from(key.serialize_der())
            .map_err(|reason| anyhow::anyhow!("the new key is refused: {reason}"))?;
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

#[cfg(unix)]
fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(file.write_all(text.as_bytes())?)
}

#[cfg(not(unix))]
fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
