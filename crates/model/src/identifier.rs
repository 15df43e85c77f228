//! Identifiers, and the pseudonyms under which they leave the normaliser.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use compact_str::CompactString;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// A name by which one system knows a person or account: `email`, `loyalty_id`, `crm_contact_id`, …
///
/// In every topic behind the normaliser `value` is a pseudonym made by a [`Pseudonymizer`]. Both parts are short texts that
/// are copied, hashed and compared all the time: up to 24 bytes, which a pseudonym's 22 are, they need no memory of their own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Identifier {
    /// What kind of identifier it is; priorities and limits go by it.
    pub namespace: CompactString,
    /// The normalised value, or its pseudonym.
    pub value: CompactString,
}

impl Identifier {
    /// An identifier from its two parts, taken as they are.
    pub fn new(namespace: impl Into<CompactString>, value: impl Into<CompactString>) -> Self {
        Self { namespace: namespace.into(), value: value.into() }
    }

    /// The record key: `namespace:value` as bytes.
    #[must_use]
    pub fn to_key(&self) -> Vec<u8> {
        let mut key = Vec::with_capacity(self.namespace.len() + 1 + self.value.len());
        key.extend_from_slice(self.namespace.as_bytes());
        key.push(b':');
        key.extend_from_slice(self.value.as_bytes());
        key
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.namespace, self.value)
    }
}

/// An identifier that was left out before resolution, with no trace of its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedIdentifier {
    /// The namespace it came under.
    pub namespace: String,
    /// Why it was left out, such as `blocked_value`.
    pub reason: String,
}

/// Turns identifier values into pseudonyms: the first 128 bits of HMAC-SHA-256 (RFC 2104) over
/// `namespace 0x00 value`, in URL-safe base64 without padding (22 characters).
///
/// While keys are rotated there are several. A person's identifier goes by the pseudonym of the oldest, so that nothing
/// changes for whoever reads it, and is made known under those of the newer ones meanwhile.
#[derive(Clone)]
pub struct Pseudonymizer {
    oldest: Hmac<Sha256>,
    /// Oldest first.
    newer: Vec<Hmac<Sha256>>,
    /// Accounts are called after their identifiers and know of no other names.
    accounts: Hmac<Sha256>,
}

impl fmt::Debug for Pseudonymizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonymizer(***)")
    }
}

/// The key given to [`Pseudonymizer::new`] is too short to protect anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the pseudonym key has {length_bytes} bytes: give at least 16, for example from `openssl rand -hex 32`")]
pub struct WeakKey {
    /// How many bytes were given.
    pub length_bytes: usize,
}

impl Pseudonymizer {
    /// A pseudonymizer for one secret key.
    ///
    /// # Errors
    /// [`WeakKey`] when the key has fewer than 16 bytes.
    pub fn new(key: &[u8]) -> Result<Self, WeakKey> {
        let oldest = keyed(key)?;
        Ok(Self { accounts: oldest.clone(), oldest, newer: Vec::new() })
    }

    /// The same with a key that is newer than all of it.
    ///
    /// # Errors
    /// [`WeakKey`] when the key has fewer than 16 bytes.
    pub fn with_newer(mut self, key: &[u8]) -> Result<Self, WeakKey> {
        self.newer.push(keyed(key)?);
        Ok(self)
    }

    /// The same with another key for accounts.
    ///
    /// # Errors
    /// [`WeakKey`] when the key has fewer than 16 bytes.
    pub fn with_accounts(mut self, key: &[u8]) -> Result<Self, WeakKey> {
        self.accounts = keyed(key)?;
        Ok(self)
    }

    /// The pseudonym of a person's normalised identifier value.
    #[must_use]
    pub fn pseudonym(&self, namespace: &str, value: &str) -> String {
        pseudonym(&self.oldest, namespace, value)
    }

    /// True while there is more than one key for the identifiers of persons.
    #[must_use]
    pub fn is_rotating(&self) -> bool {
        !self.newer.is_empty()
    }

    /// The pseudonyms that it will go by once the older keys are gone, oldest first.
    pub fn newer_pseudonyms(&self, namespace: &str, value: &str) -> impl Iterator<Item = String> {
        self.newer.iter().map(move |key| pseudonym(key, namespace, value))
    }

    /// The pseudonym of an account's normalised identifier value.
    #[must_use]
    pub fn account_pseudonym(&self, namespace: &str, value: &str) -> String {
        pseudonym(&self.accounts, namespace, value)
    }
}

fn keyed(key: &[u8]) -> Result<Hmac<Sha256>, WeakKey> {
    let weak = WeakKey { length_bytes: key.len() };
    if key.len() < 16 {
        return Err(weak);
    }
    Hmac::<Sha256>::new_from_slice(key).map_err(|_| weak)
}

fn pseudonym(keyed: &Hmac<Sha256>, namespace: &str, value: &str) -> String {
    let mut mac = keyed.clone();
    mac.update(namespace.as_bytes());
    mac.update(&[0]);
    mac.update(value.as_bytes());
    URL_SAFE_NO_PAD.encode(&mac.finalize().into_bytes()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pseudonyms_depend_on_key_namespace_and_value_and_show_none_of_them() {
        let one = Pseudonymizer::new(b"0123456789abcdef").unwrap();
        let two = Pseudonymizer::new(b"0123456789abcdeX").unwrap();
        let pseudonym = one.pseudonym("email", "ada@example.org");
        assert_eq!(pseudonym.len(), 22);
        assert_eq!(pseudonym, one.pseudonym("email", "ada@example.org"));
        assert_ne!(pseudonym, two.pseudonym("email", "ada@example.org"));
        assert_ne!(pseudonym, one.pseudonym("phone", "ada@example.org"));
        assert!(!format!("{one:?}").contains("0123"));
        assert_eq!(Pseudonymizer::new(b"short").unwrap_err().length_bytes, 5);
    }

    #[test]
    fn while_keys_are_rotated_the_oldest_names_and_the_newer_are_told() {
        let [old, new] = [b"0123456789abcdef", b"0123456789abcdeX"];
        let rotating = Pseudonymizer::new(old).unwrap().with_newer(new).unwrap();
        let (before, after) = (Pseudonymizer::new(old).unwrap(), Pseudonymizer::new(new).unwrap());
        assert_eq!(rotating.pseudonym("email", "ada"), before.pseudonym("email", "ada"));
        assert_eq!(rotating.newer_pseudonyms("email", "ada").collect::<Vec<_>>(), [after.pseudonym("email", "ada")]);
        assert_eq!(before.newer_pseudonyms("email", "ada").count(), 0);
        let kept = after.with_accounts(old).unwrap();
        assert_eq!(kept.account_pseudonym("household_id", "h"), before.pseudonym("household_id", "h"));
        assert_eq!(rotating.account_pseudonym("household_id", "h"), before.pseudonym("household_id", "h"));
    }
}
