//! Signatures as Standard Webhooks has them: `v1,` and the base64 of HMAC-SHA-256 over id, timestamp and body.
//!
//! Source: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.

use std::fmt;

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What a symmetric secret begins with.
const PREFIX: &str = "whsec_";
/// The fewest bytes of a key.
const MIN_KEY_BYTES: usize = 24;
/// The most bytes of a key.
const MAX_KEY_BYTES: usize = 64;
/// People copy secrets with and without the `=` at their end.
const PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const SECRETS: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, PADDING);

/// The key of a webhook secret; it prints as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(Vec<u8>);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl SigningKey {
    /// Reads `whsec_` and the base64 of 24 to 64 bytes.
    ///
    /// # Errors
    /// What is wrong with it, without repeating it.
    pub fn parse(secret: &str) -> Result<Self, String> {
        let encoded = secret.strip_prefix(PREFIX).ok_or_else(|| format!("does not begin with {PREFIX}"))?;
        let key = SECRETS.decode(encoded).map_err(|_| format!("is no base64 after {PREFIX}"))?;
        if (MIN_KEY_BYTES..=MAX_KEY_BYTES).contains(&key.len()) {
            return Ok(Self(key));
        }
        Err(format!("has a key of {} bytes where {MIN_KEY_BYTES} to {MAX_KEY_BYTES} are asked for", key.len()))
    }

    fn sign(&self, message_id: &str, timestamp_s: i64, body: &[u8]) -> Option<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(message_id.as_bytes());
        mac.update(b".");
        mac.update(timestamp_s.to_string().as_bytes());
        mac.update(b".");
        mac.update(body);
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }
}

/// The `webhook-signature` header: one signature for each key, separated by spaces, so that a receiver that knows the old
/// or the new secret accepts the message while they are exchanged.
#[must_use]
pub fn signature(keys: &[SigningKey], message_id: &str, timestamp_s: i64, body: &[u8]) -> String {
    // A MAC takes keys of any length, so none is left out.
    keys.iter().filter_map(|key| key.sign(message_id, timestamp_s, body)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn the_published_example_is_signed_as_published() {
        let key = SigningKey::parse(SECRET).unwrap();
        let signed = signature(&[key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn the_published_library_verifies_each_of_several_secrets() {
        let secrets = [SECRET.to_owned(), format!("whsec_{}", STANDARD.encode([7_u8; 64]))];
        let keys: Vec<SigningKey> = secrets.iter().map(|secret| SigningKey::parse(secret).unwrap()).collect();
        let now_s = i64::try_from(
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs(),
        )
        .unwrap();
        let body = "{\"name\": \"Zoë\"}".as_bytes();
        let signed = signature(&keys, "id-1", now_s, body);
        assert_eq!(signed.split(' ').count(), 2);
        for secret in &secrets {
            let mut headers = axum::http::HeaderMap::new();
            headers.insert("webhook-id", "id-1".parse().unwrap());
            headers.insert("webhook-timestamp", now_s.to_string().parse().unwrap());
            headers.insert("webhook-signature", signed.parse().unwrap());
            let webhook = standardwebhooks::Webhook::new(secret).unwrap();
            assert!(webhook.verify(body, &headers).is_ok());
            assert!(webhook.verify(b"{}", &headers).is_err(), "another body");
        }
    }

    #[test]
    fn what_is_no_secret_is_refused_without_being_shown() {
        let short = format!("whsec_{}", STANDARD.encode([1_u8; 23]));
        let long = format!("whsec_{}", STANDARD.encode([1_u8; 65]));
        for (secret, why) in [
            ("hunter2", "does not begin with whsec_"),
            ("whsec_not base64!", "is no base64 after whsec_"),
            (short.as_str(), "has a key of 23 bytes where 24 to 64 are asked for"),
            (long.as_str(), "has a key of 65 bytes where 24 to 64 are asked for"),
        ] {
            assert_eq!(SigningKey::parse(secret).unwrap_err(), why);
        }
        assert!(SigningKey::parse(&format!("whsec_{}", STANDARD.encode([1_u8; 25]).trim_end_matches('='))).is_ok());
        assert_eq!(format!("{:?}", SigningKey::parse(SECRET).unwrap()), "***");
    }
}
