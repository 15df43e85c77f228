//! Making a connection to a destination: its name is resolved here, the addresses are judged, and those are connected to,
//! so that no second look at the name can lead elsewhere.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tower_service::Service;
use url::Host;

use super::resolve::Resolve;
use crate::destination::Destination;
use crate::guard;
use crate::outcome::{FailureClass, SendError};

/// Connects to one destination.
#[derive(Clone)]
pub(super) struct Connector {
    destination: Arc<Destination>,
    resolver: Arc<dyn Resolve>,
    tls: TlsConnector,
}

impl Connector {
    pub(super) fn new(destination: Arc<Destination>, resolver: Arc<dyn Resolve>, tls: TlsConnector) -> Self {
        Self { destination, resolver, tls }
    }

    async fn connect(self) -> Result<Stream, SendError> {
        let limit = self.destination.connect_timeout;
        let deadline = Instant::now() + limit.into();
        let in_time = timeout_at(deadline, self.connect_by(deadline)).await;
        in_time.unwrap_or_else(|_| Err(SendError::new(FailureClass::ConnectTimeout, format!("none within {limit}"))))
    }

    async fn connect_by(&self, deadline: Instant) -> Result<Stream, SendError> {
        let tcp = self.dial(self.addresses().await?, deadline).await?;
        // Webhooks are small and are answered; a failure to say so costs time only.
        drop(tcp.set_nodelay(true));
        if self.destination.url.scheme() != "https" {
            return Ok(Stream::Plain(TokioIo::new(tcp)));
        }
        let failed = |detail: String| SendError::new(FailureClass::Tls, detail);
        let name = match self.destination.url.host() {
            Some(Host::Domain(name)) => {
                ServerName::try_from(name.to_owned()).map_err(|error| failed(error.to_string()))?
            }
            Some(Host::Ipv4(address)) => ServerName::from(IpAddr::from(address)),
            Some(Host::Ipv6(address)) => ServerName::from(IpAddr::from(address)),
            None => return Err(failed("the URL names no host".to_owned())),
        };
        let tls = self.tls.connect(name, tcp).await.map_err(|error| failed(error.to_string()))?;
        Ok(Stream::Tls(Box::new(TokioIo::new(tls))))
    }

    /// The addresses that the destination may be sent to, of those that its name has now.
    async fn addresses(&self) -> Result<Vec<SocketAddr>, SendError> {
        let unresolved = |detail: String| SendError::new(FailureClass::Resolve, detail);
        let url = &self.destination.url;
        let port = url.port_or_known_default().unwrap_or(443);
        let found = match url.host() {
            Some(Host::Ipv4(address)) => vec![SocketAddr::from((address, port))],
            Some(Host::Ipv6(address)) => vec![SocketAddr::from((address, port))],
            Some(Host::Domain(name)) => {
                self.resolver.resolve(name, port).await.map_err(|error| unresolved(error.to_string()))?
            }
            None => Vec::new(),
        };
        let Some(first) = found.first().copied() else {
            return Err(unresolved("the name has no address".to_owned()));
        };
        let is_allowed = |address: &SocketAddr| guard::kind(address.ip()).is_allowed(self.destination.allow_private);
        let allowed: Vec<SocketAddr> = found.into_iter().filter(is_allowed).collect();
        if allowed.is_empty() {
            let kind = guard::kind(first.ip()).name();
            let detail = format!("the name leads to {}, a {kind} address", first.ip());
            return Err(SendError::new(FailureClass::ForbiddenAddress, detail));
        }
        Ok(allowed)
    }

    /// Connects to the first address that answers; each gets its share of the time that is left.
    async fn dial(&self, addresses: Vec<SocketAddr>, deadline: Instant) -> Result<TcpStream, SendError> {
        let mut last = SendError::new(FailureClass::Connect, "no address was tried");
        let count = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
        for (tried, address) in (0..count).zip(addresses) {
            let now = Instant::now();
            let share = deadline.saturating_duration_since(now) / (count - tried);
            last = match timeout_at(now + share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => SendError::new(FailureClass::Connect, format!("{address}: {error}")),
                Err(_) => SendError::new(FailureClass::ConnectTimeout, format!("{address} does not answer")),
            };
        }
        Err(last)
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = SendError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, SendError>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Poll::Ready(Ok(()))
    }

    /// The address follows from the destination, whatever the request says.
    fn call(&mut self, _uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect())
    }
}

/// A connection, with TLS or, inside of networks of one's own, without.
pub(super) enum Stream {
    Plain(TokioIo<TcpStream>),
    Tls(Box<TokioIo<TlsStream<TcpStream>>>),
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_read(cx, buffer),
        }
    }
}

impl Write for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
        }
    }
}
