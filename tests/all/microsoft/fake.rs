//! A Microsoft of a few lines that says exactly what a test tells it to, down to the bytes: whole answers, cut ones, and
//! none.
//!
//! The danger: it agrees with whoever writes the test. It is for bytes that Microsoft sends on a bad day; what Microsoft
//! does on a good one is the simulator's to say.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use url::Url;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Path and query.
    pub target: String,
    pub headers: HashMap<String, String>,
    pub body: String,
    /// How many came before it with the same path.
    pub nth: usize,
}

impl Asked {
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }

    pub fn is_for_token(&self) -> bool {
        self.path().ends_with("/oauth2/v2.0/token")
    }
}

/// What to say.
pub enum Say {
    /// These bytes, then close.
    Bytes(Vec<u8>),
    /// Nothing, and keep the connection.
    Nothing,
    /// The answer once the watched value is true.
    Later(watch::Receiver<bool>, Box<Say>),
}

pub fn say(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Say {
    let body = body.as_ref();
    let mut bytes = format!(
        "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n",
        body.len()
    )
    .into_bytes();
    for (name, value) in headers {
        bytes.extend(format!("{name}: {value}\r\n").bytes());
    }
    bytes.extend(b"\r\n");
    bytes.extend(body);
    Say::Bytes(bytes)
}

pub fn ok(body: Value) -> Say {
    say(200, &[("Content-Type", "application/json")], body.to_string())
}

/// Graph's error envelope.
pub fn graph_error(status: u16, code: &str, message: &str) -> Say {
    say(
        status,
        &[],
        json!({"error": {"code": code, "message": message}}).to_string(),
    )
}

/// Entra's error body, with what must never be shown in its description.
pub fn entra_error(status: u16, error: &str, number: u32) -> Say {
    let body = json!({
        "error": error,
        "error_description": format!("AADSTS{number}: CANARY-description of adele@contoso.example.\r\nTrace ID: 0"),
        "error_codes": [number],
    });
    say(status, &[], body.to_string())
}

/// A token good for an hour.
pub fn token(text: &str) -> Say {
    ok(json!({"token_type": "Bearer", "expires_in": 3599, "access_token": text}))
}

/// Cuts the answer short while its length promises more.
pub fn cut(whole: Say) -> Say {
    match whole {
        Say::Bytes(mut bytes) => {
            bytes.truncate(bytes.len() - 3);
            Say::Bytes(bytes)
        }
        other => other,
    }
}

pub struct Fake {
    url: Url,
    log: Arc<Mutex<Vec<Asked>>>,
    count: watch::Receiver<usize>,
    _tasks: JoinSet<()>,
}

impl Fake {
    /// `answer` gets every request; what it leaves (`None`) is answered with a token, or for Graph with an empty list.
    pub async fn start(answer: impl Fn(&Asked) -> Option<Say> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (counted, count) = watch::channel(0);
        let mut tasks = JoinSet::new();
        let (answer, kept) = (Arc::new(answer), log.clone());
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(serve(stream, answer.clone(), kept.clone(), counted.clone()));
            }
        });
        Self {
            url,
            log,
            count,
            _tasks: tasks,
        }
    }

    /// Graph's answers to one path, everything else as usual.
    pub async fn graph(path: &'static str, answer: impl Fn(&Asked) -> Say + Send + Sync + 'static) -> Self {
        Self::start(move |asked| (asked.path() == format!("/v1.0/{path}")).then(|| answer(asked))).await
    }

    pub fn url(&self) -> &Url {
        &self.url
    }

    /// What came so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.log.lock().unwrap().clone()
    }

    /// What came so far for Graph.
    pub fn asked_graph(&self) -> Vec<Asked> {
        self.asked()
            .into_iter()
            .filter(|asked| asked.path().starts_with("/v1.0/"))
            .collect()
    }

    pub fn token_requests(&self) -> usize {
        self.asked().iter().filter(|asked| asked.is_for_token()).count()
    }

    /// Waits until this many requests came in all.
    pub async fn until_asked(&self, times: usize) {
        self.count.clone().wait_for(|count| *count >= times).await.unwrap();
    }
}

async fn serve<F: Fn(&Asked) -> Option<Say>>(
    stream: TcpStream,
    answer: Arc<F>,
    log: Arc<Mutex<Vec<Asked>>>,
    counted: watch::Sender<usize>,
) {
    let mut stream = BufReader::new(stream);
    let Some(mut asked) = read_request(&mut stream).await else {
        return;
    };
    {
        let mut log = log.lock().unwrap();
        asked.nth = log.iter().filter(|earlier| earlier.path() == asked.path()).count();
        log.push(asked.clone());
    }
    counted.send_modify(|count| *count += 1);
    let mut say = answer(&asked).unwrap_or_else(|| match asked.is_for_token() {
        true => token("CANARY-token"),
        false => ok(json!({"value": []})),
    });
    loop {
        match say {
            Say::Bytes(bytes) => {
                // The other side may have gone; that is what some tests are about.
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
                return;
            }
            Say::Nothing => {
                let _ = stream.read_u8().await;
                return;
            }
            Say::Later(mut when, then) => {
                let _ = when.wait_for(|now| *now).await;
                say = *then;
            }
        }
    }
}

async fn read_request(stream: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let target = words.nth(1)?;
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers
        .get("content-length")
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let body = String::from_utf8(body).unwrap();
    Some(Asked {
        target,
        headers,
        body,
        nth: 0,
    })
}
