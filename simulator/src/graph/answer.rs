//! What Graph says back: a body with Graph's headers, or a failure in Microsoft's envelope.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use bytes::Bytes;
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use uuid::Uuid;

use super::request::Request;

/// Graph's own way to write `application/json`.
pub const JSON: &str =
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";

#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub content_type: &'static str,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
    pub pour: Pour,
}

/// How a body comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pour {
    Whole,
    /// The connection is closed in the middle of it.
    Cut,
    /// A byte, a second, a byte.
    Trickle,
    /// It begins like a page, and goes on for as long as somebody reads.
    Endless,
}

impl Answer {
    pub fn json(body: impl Into<Bytes>) -> Self {
        Self {
            status: 200,
            content_type: JSON,
            headers: Vec::new(),
            body: body.into(),
            pour: Pour::Whole,
        }
    }

    pub fn value(value: &Value) -> Self {
        Self::json(value.to_string())
    }

    pub fn text(body: String) -> Self {
        Self {
            content_type: "text/plain",
            ..Self::json(body)
        }
    }

    /// What the request cost, in resource units.
    pub fn costing(mut self, units: u32) -> Self {
        self.headers.push(("x-ms-resource-unit", units.to_string()));
        self
    }

    pub fn into_response(self, request_id: Uuid, client_request_id: &str) -> Response<Body> {
        let body = match self.pour {
            Pour::Whole => Body::from(self.body),
            Pour::Cut => cut_body(&self.body),
            Pour::Trickle => trickling_body(self.body),
            Pour::Endless => endless_body(),
        };
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let diagnostic = json!({"ServerInfo": {"DataCenter": "Simulated", "Slice": "E", "Ring": "0", "ScaleUnit": "000", "RoleInstance": "M365SIM00000001"}});
        let fixed = [
            ("content-type", self.content_type.to_owned()),
            ("request-id", request_id.to_string()),
            ("client-request-id", client_request_id.to_owned()),
            ("x-ms-ags-diagnostic", diagnostic.to_string()),
            ("strict-transport-security", "max-age=31536000".to_owned()),
            ("cache-control", "no-cache".to_owned()),
        ];
        for (name, value) in fixed.into_iter().chain(self.headers) {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}

/// A body that promises everything, gives half, and then breaks the connection.
pub fn cut_body(body: &Bytes) -> Body {
    let half = body.slice(..body.len() / 2);
    let broken = async {
        // Waiting once lets the half out before the connection breaks.
        tokio::task::yield_now().await;
        Err(std::io::Error::new(std::io::ErrorKind::ConnectionReset, "cut on order"))
    };
    Body::from_stream(stream::once(async { Ok(half) }).chain(stream::once(broken)))
}

fn trickling_body(body: Bytes) -> Body {
    let bytes = stream::iter(0..body.len()).then(move |n| {
        let byte = body.slice(n..=n);
        async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            std::io::Result::Ok(byte)
        }
    });
    Body::from_stream(bytes)
}

fn endless_body() -> Body {
    static MORE: [u8; 64 * 1024] = [b'x'; 64 * 1024];
    let begins = stream::once(async { Bytes::from_static(b"{\"value\": [{\"displayName\": \"") });
    let goes_on = stream::repeat_with(|| Bytes::from_static(&MORE));
    Body::from_stream(begins.chain(goes_on).map(std::io::Result::Ok))
}

/// A failure, as Graph would put it.
#[derive(Clone, Debug)]
pub struct Failure {
    pub status: u16,
    pub code: String,
    pub message: String,
    /// Seconds.
    pub retry_after: Option<u64>,
    pub location: Option<String>,
    throttled: bool,
}

impl Failure {
    pub fn new(status: u16, code: &str, message: &str) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.to_owned(),
            retry_after: None,
            location: None,
            throttled: false,
        }
    }

    pub fn bad_request(message: &str) -> Self {
        Self::new(400, "Request_BadRequest", message)
    }

    pub fn unauthorized(message: &str) -> Self {
        Self::new(401, "InvalidAuthenticationToken", message)
    }

    pub fn denied() -> Self {
        Self::new(
            403,
            "Authorization_RequestDenied",
            "Insufficient privileges to complete the operation.",
        )
    }

    pub fn not_found(id: &str) -> Self {
        Self::new(
            404,
            "Request_ResourceNotFound",
            &format!(
                "Resource '{id}' does not exist or one of its queried reference-property objects are not present."
            ),
        )
    }

    pub fn throttled(retry_after: Option<u64>) -> Self {
        Self {
            retry_after,
            throttled: true,
            ..Self::new(429, "TooManyRequests", "Please retry again later.")
        }
    }

    /// The delta link is too old: start over at the Location.
    pub fn gone(request: &Request) -> Self {
        let location = format!("{}{}?$deltatoken=", request.origin, request.path);
        Self {
            location: Some(location),
            ..Self::new(
                410,
                "syncStateNotFound",
                "The sync state generation is not found; a full synchronization is required.",
            )
        }
    }

    /// 403 in the wording of the service behind the path.
    pub fn missing_permission(request: &Request, permission: Option<&str>) -> Self {
        match request.segments().first().map(String::as_str) {
            Some("deviceManagement") => {
                let wanted = permission.unwrap_or("DeviceManagementManagedDevices.Read.All");
                let message = intune_message(&format!(
                    "Application is not authorized to perform this operation. Application must have one of the following scopes: {wanted}, {}",
                    wanted.replace(".Read.", ".ReadWrite.")
                ));
                Self::new(403, "Forbidden", &message)
            }
            Some("identity") => Self::new(
                403,
                "AccessDenied",
                "You cannot perform the requested operation, required scopes are missing in the token.",
            ),
            Some("reports" | "auditLogs") => Self::missing_report_permission(),
            _ => Self::denied(),
        }
    }

    /// 403 of the service that reports on sign-ins, registrations and changes.
    pub fn missing_report_permission() -> Self {
        Self::new(
            403,
            "Authentication_MSGraphPermissionMissing",
            "Calling principal does not have required MSGraph permissions AuditLog.Read.All",
        )
    }

    /// The tenant has no Entra ID P1.
    pub fn not_premium() -> Self {
        Self::new(
            403,
            "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
            "Neither tenant is B2C or tenant doesn't have premium license",
        )
    }

    pub fn into_answer(self, request_id: Uuid, client_request_id: &str) -> Answer {
        let date = crate::world::now().format("%Y-%m-%dT%H:%M:%S").to_string();
        let mut inner = json!({"date": date, "request-id": request_id, "client-request-id": client_request_id});
        if self.throttled {
            inner["code"] = json!("429");
            inner["message"] = json!("Please retry after");
            inner["status"] = json!("429");
        }
        let mut answer =
            Answer::value(&json!({"error": {"code": self.code, "message": self.message, "innerError": inner}}));
        answer.status = self.status;
        answer
            .headers
            .extend(self.retry_after.map(|seconds| ("retry-after", seconds.to_string())));
        answer
            .headers
            .extend(self.location.map(|location| ("location", location)));
        if self.status == 401 {
            answer.headers.push((
                "www-authenticate",
                "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\""
                    .to_owned(),
            ));
        }
        answer
    }
}

/// Intune wraps its message in a JSON document of its own.
fn intune_message(message: &str) -> String {
    let operation = Uuid::new_v4();
    let inner = json!({
        "_version": 3,
        "Message": format!("{message} - Operation ID (for customer support): {} - Activity ID: {operation}", Uuid::nil()),
        "CustomApiErrorPhrase": "", "RetryAfter": null, "ErrorSourceService": "", "HttpHeaders": "{}",
    });
    serde_json::to_string_pretty(&inner)
        .expect("a JSON value serialises")
        .replace('\n', "\r\n")
}
