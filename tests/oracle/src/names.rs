//! Names as the hub publishes them, worked out anew: pseudonyms, person and account ids, record keys, decimals, instants.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tributary_model::{AccountId, Identifier, PersonId};
use uuid::Uuid;

/// The secret from which pseudonyms are made: the hub under test has to be given the same.
pub const PSEUDONYM_KEY: &[u8] = b"a key for the oracle, known to all";
/// The realm of the persons: the hub's default.
pub const REALM: &str = "default";

/// First 128 bits of HMAC-SHA-256 over namespace, zero byte, value; URL-safe base64 without padding. A card is one in
/// however it is written: upper case, without spaces.
pub(crate) fn pseudonym(namespace: &str, value: &str) -> Identifier {
    let card = value.replace(' ', "").to_uppercase();
    let value = if namespace == "loyalty_id" { card.as_str() } else { value };
    let mut mac = Hmac::<Sha256>::new_from_slice(PSEUDONYM_KEY).expect("HMAC takes keys of any length");
    mac.update(namespace.as_bytes());
    mac.update(&[0]);
    mac.update(value.as_bytes());
    let digest = mac.finalize().into_bytes();
    Identifier::new(namespace, URL_SAFE_NO_PAD.encode(&digest[..16]))
}

fn realm() -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("urn:tributary:realm:{REALM}").as_bytes())
}

fn uuid_of(identifier: &Identifier) -> Uuid {
    Uuid::new_v5(&realm(), format!("{}\0{}", identifier.namespace, identifier.value).as_bytes())
}

/// The person that an identifier starts as.
pub(crate) fn person_of(identifier: &Identifier) -> PersonId {
    PersonId(uuid_of(identifier))
}

/// The person that stands in for a touchpoint that names nobody.
pub(crate) fn stand_in(touchpoint_id: &str) -> PersonId {
    person_of(&Identifier::new("touchpoint", touchpoint_id))
}

/// The account that an account identifier stands for.
pub(crate) fn account_of(identifier: &Identifier) -> AccountId {
    AccountId(uuid_of(identifier))
}

/// An identifier as record key and in messages.
pub(crate) fn written(identifier: &Identifier) -> String {
    format!("{}:{}", identifier.namespace, identifier.value)
}

/// SHA-256 in hexadecimal.
pub(crate) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Minor units of a currency with two decimals as a decimal number.
pub(crate) fn decimal(minor: i64) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", minor.abs() / 100, minor.abs() % 100)
}

/// An instant as RFC 3339 in UTC.
pub(crate) fn instant(at: i64) -> String {
    Timestamp::from_millisecond(at).map_or_else(|_| at.to_string(), |timestamp| timestamp.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_published_rules() {
        assert_eq!(decimal(-5), "-0.05");
        assert_eq!(decimal(123_456), "1234.56");
        assert_eq!(instant(1_772_409_600_000), "2026-03-02T00:00:00Z");
        assert_eq!(pseudonym("email", "ada@example.org").value.len(), 22);
        assert_ne!(pseudonym("email", "x").value, pseudonym("phone", "x").value);
        // urn:tributary:realm:default, then the name `n NUL v`, both by RFC 9562 version 5.
        let identifier = Identifier::new("n", "v");
        assert_eq!(person_of(&identifier).0.get_version_num(), 5);
        assert_eq!(written(&identifier), "n:v");
    }
}
