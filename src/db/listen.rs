//! A connection that hears what Postgres notifies.
//!
//! The danger is silence: a connection that was lost hears nothing, and says nothing either. So whoever listens is
//! woken when it ends as well, finds it closed, opens another, and looks at the state before it listens on.

use std::future::poll_fn;
use std::sync::Arc;

use anyhow::Context;
use tokio::sync::Notify;
use tokio_postgres::{AsyncMessage, Client};

use super::Address;

/// Listens on `channel` of the database at `address`, where the connection shows that it listens: `heard` is notified at
/// each notification, and when the connection ends. It ends when the client is dropped. What is notified in quick succession
/// may be heard once.
///
/// # Errors
/// When the database cannot be reached.
pub async fn listen(address: &Address, channel: &str, heard: Arc<Notify>) -> anyhow::Result<Client> {
    let (client, mut connection) = address.dial().await.context("connecting to Postgres, to listen")?;
    tokio::spawn(async move {
        while let Some(message) = poll_fn(|cx| connection.poll_message(cx)).await {
            match message {
                Ok(AsyncMessage::Notification(_)) => heard.notify_one(),
                Ok(_) => {}
                Err(error) => {
                    tracing::debug!(%error, "a listening connection to Postgres ended");
                    break;
                }
            }
        }
        // Closed before it is told: who wakes finds the client closed.
        drop(connection);
        heard.notify_one();
    });
    let name = format!("{}, listening", address.name().unwrap_or_default());
    client
        .execute("select set_config('application_name', $1, false)", &[&name])
        .await
        .context("naming the connection that listens")?;
    client
        .execute(&format!("listen \"{channel}\""), &[])
        .await
        .context("listening")?;
    Ok(client)
}
