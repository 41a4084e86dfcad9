//! The webhook: tells one address of the operator's that an alarm opened or closed.
//!
//! At least once, and signed, as Standard Webhooks say; the id stays the same from try to try. The dangers: to be sent
//! elsewhere, so no redirect is followed and nothing but the configured address is ever called; and to tell too much, so a
//! message names a company by ids and an alarm by words of ours.
//!
//! Source: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, Mac};
use reqwest::header::CONTENT_TYPE;
use serde_json::json;
use sha2::Sha256;
use url::Url;
use uuid::Uuid;

use crate::config::is_loopback;
use crate::model::alarm::{AlarmChange, Delivery};

/// How long the other side has to answer. A delivery is tried again no sooner than this.
const LONGEST: Duration = Duration::from_secs(15);

/// How the API shows our ids, of a company and of an alarm.
#[derive(Clone, Copy)]
pub struct Show {
    pub company: fn(Uuid) -> String,
    pub alarm: fn(Uuid) -> String,
}

/// One address that is told of alarms.
pub struct Webhook {
    url: Url,
    key: Vec<u8>,
    show: Show,
    client: reqwest::Client,
}

impl Webhook {
    /// Tells `url`, signed with `secret`: `whsec_` and 24 to 64 bytes in base64.
    ///
    /// # Errors
    /// When the address is not https (but on this machine), or the secret is none.
    #[expect(
        clippy::disallowed_methods,
        reason = "the operator's address is not Microsoft: this client knows no token"
    )]
    pub fn new(url: Url, secret: &str, show: Show) -> anyhow::Result<Self> {
        let local = is_loopback(&url);
        match url.scheme() {
            "https" => {}
            "http" if local => {}
            _ => bail!("TENANTRY_WEBHOOK_URL: it has to be https, or on this machine"),
        }
        ensure!(
            url.username().is_empty() && url.password().is_none(),
            "TENANTRY_WEBHOOK_URL: leave name and password out; the signature says who calls"
        );
        let mut client = reqwest::Client::builder()
            .user_agent(concat!("Tenantry/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .timeout(LONGEST);
        if local {
            client = client.no_proxy();
        }
        Ok(Self {
            url,
            key: key(secret)?,
            show,
            client: client.build().context("the HTTP client for the webhook")?,
        })
    }

    /// Tells of one change.
    ///
    /// # Errors
    /// When it was not taken with a status of success. The error names no address and no body.
    pub async fn send(&self, delivery: &Delivery, now: DateTime<Utc>) -> anyhow::Result<()> {
        let id = format!("alarm_{}_{}", delivery.alarm.id.simple(), delivery.seq);
        let body = self.body(delivery);
        let timestamp = now.timestamp();
        let request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", sign(&self.key, &id, timestamp, &body))
            .body(body);
        let answer = request.send().await.map_err(reqwest::Error::without_url)?;
        ensure!(answer.status().is_success(), "it answered {}", answer.status());
        Ok(())
    }

    fn body(&self, delivery: &Delivery) -> String {
        let alarm = &delivery.alarm;
        let what = match delivery.what {
            AlarmChange::Opened => "alarm.opened",
            AlarmChange::Changed => "alarm.changed",
            AlarmChange::Closed => "alarm.closed",
        };
        json!({
            "type": what,
            "timestamp": delivery.at,
            "data": {
                "id": (self.show.alarm)(alarm.id),
                "kind": alarm.kind,
                "companyId": alarm.company_id.map(self.show.company),
                "companyExternalId": delivery.external_id,
                "subject": alarm.subject,
                "message": alarm.message,
                "remedy": alarm.remedy,
                "openedAt": alarm.opened_at,
                "closedAt": alarm.closed_at,
            },
        })
        .to_string()
    }
}

fn key(secret: &str) -> anyhow::Result<Vec<u8>> {
    const SHAPE: &str = "TENANTRY_WEBHOOK_SECRET: write `whsec_` and then 24 to 64 random bytes in base64, such as \
                         `echo whsec_$(openssl rand -base64 32)` makes";
    let key = secret
        .strip_prefix("whsec_")
        .and_then(|text| BASE64_STANDARD.decode(text).ok());
    key.filter(|key| (24..=64).contains(&key.len())).context(SHAPE)
}

fn sign(key: &[u8], id: &str, timestamp: i64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const SHOW: Show = Show {
        company: |id| id.to_string(),
        alarm: |id| id.to_string(),
    };

    #[test]
    fn a_message_is_signed_as_the_standards_own_example() {
        let signature = sign(
            &key(SECRET).unwrap(),
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn only_https_is_told_unless_it_is_this_machine() {
        let made = |url: &str| Webhook::new(url.parse().unwrap(), SECRET, SHOW).is_ok();
        assert!(made("https://psa.example/hooks?of=tenantry") && made("http://127.0.0.1:9/") && made("http://[::1]/"));
        for url in [
            "http://psa.example/",
            "http://169.254.169.254/",
            "ftp://psa.example/",
            "https://a:b@psa.example/",
            "file:///etc/passwd",
        ] {
            assert!(!made(url), "{url}");
        }
    }

    #[test]
    fn a_secret_that_is_none_is_refused() {
        for secret in [
            "",
            "whsec_",
            "whsec_c2hvcnQ=",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_***",
        ] {
            assert!(key(secret).is_err(), "{secret}");
        }
    }
}
