//! Connections that become something else, such as WebSocket: after the backend's 101 both sides are joined.

use http::header::HeaderValue;
use http::request::Parts;
use http::{Response, Version};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use crate::body::ResponseBody;
use crate::forward::Record;
use crate::headers;

pub(crate) struct Switch {
    protocol: HeaderValue,
    client: OnUpgrade,
}

impl Switch {
    /// HTTP/2 has no such upgrade.
    pub fn requested(parts: &mut Parts) -> Option<Self> {
        if parts.version != Version::HTTP_11 {
            return None;
        }
        let protocol = headers::upgrade(&parts.headers)?;
        Some(Self { protocol, client: parts.extensions.remove::<OnUpgrade>()? })
    }

    pub fn protocol(&self) -> HeaderValue {
        self.protocol.clone()
    }

    /// The record stays open as long as the two talk.
    pub fn begin(self, mut head: Response<Incoming>, record: Record) -> Response<ResponseBody> {
        let backend = hyper::upgrade::on(&mut head);
        let protocol = headers::upgrade(head.headers()).unwrap_or(self.protocol);
        headers::to_client(head.headers_mut(), Some(protocol));
        let client = self.client;
        let tracker = record.worker.connections.clone();
        tracker.spawn(async move {
            let mut record = record;
            let joined = async {
                let (client, backend) = tokio::try_join!(client, backend).map_err(std::io::Error::other)?;
                tokio::io::copy_bidirectional(&mut TokioIo::new(client), &mut TokioIo::new(backend)).await
            };
            match joined.await {
                Ok((_, to_client)) => record.response_bytes = to_client,
                Err(error) => tracing::debug!(%error, "an upgraded connection has ended"),
            }
        });
        head.map(|_| ResponseBody::whole(bytes::Bytes::new(), None))
    }
}
