//! Where accepted events go.

use std::future::Future;

use tributary_stream::{OutRecord, PublishError, Publisher};

/// Takes records and says when they are safe.
pub trait Publish: Send + Sync + 'static {
    /// Publishes all `records`; `Ok` means that every one of them is durable. After an error some may be: publishing them
    /// again is right.
    ///
    /// # Errors
    /// [`PublishError`] says why not.
    fn publish(&self, records: Vec<OutRecord>) -> impl Future<Output = Result<(), PublishError>> + Send;
}

impl Publish for Publisher {
    async fn publish(&self, records: Vec<OutRecord>) -> Result<(), PublishError> {
        Self::publish(self, records).await
    }
}
