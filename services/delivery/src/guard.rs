//! Which addresses a webhook may be sent to: public ones, and others only where the destination allows it.
//!
//! A destination's URL is written by somebody who may not be allowed to reach what the hub can reach (server-side request
//! forgery). So the addresses that a name resolves to are judged, and only the judged ones are connected to. Ranges:
//! the IANA special-purpose registries for IPv4 and IPv6 (RFC 6890 and its updates).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What kind of address one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressKind {
    /// On the public internet.
    Public,
    /// This machine.
    Loopback,
    /// A private network, RFC 1918 and unique local ones.
    Private,
    /// A provider's network behind its NAT (RFC 6598).
    CarrierNat,
    /// This link only.
    LinkLocal,
    /// Where a cloud tells a machine its credentials.
    Metadata,
    /// A group of machines.
    Multicast,
    /// No address of a machine: unspecified, documentation, benchmarks, reserved.
    Reserved,
}

impl AddressKind {
    /// The name used in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::CarrierNat => "carrier-grade NAT",
            Self::LinkLocal => "link-local",
            Self::Metadata => "cloud metadata",
            Self::Multicast => "multicast",
            Self::Reserved => "reserved",
        }
    }

    /// Whether a destination may be there. What `allow_private` opens is machines of one's own; metadata services, groups
    /// and addresses of no machine stay closed.
    #[must_use]
    pub const fn is_allowed(self, allow_private: bool) -> bool {
        match self {
            Self::Public => true,
            Self::Loopback | Self::Private | Self::CarrierNat | Self::LinkLocal => allow_private,
            Self::Metadata | Self::Multicast | Self::Reserved => false,
        }
    }
}

/// Metadata services that are at home outside the link-local range, or in it under this address.
const METADATA_V4: [Ipv4Addr; 6] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(169, 254, 170, 23),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
    Ipv4Addr::new(168, 63, 129, 16),
];
const METADATA_V6: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254), Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0023)];

/// IPv4 ranges with a special purpose: first address, length of the prefix, kind.
const RANGES_V4: [([u8; 4], u32, AddressKind); 15] = [
    ([0, 0, 0, 0], 8, AddressKind::Reserved),
    ([10, 0, 0, 0], 8, AddressKind::Private),
    ([100, 64, 0, 0], 10, AddressKind::CarrierNat),
    ([127, 0, 0, 0], 8, AddressKind::Loopback),
    ([169, 254, 0, 0], 16, AddressKind::LinkLocal),
    ([172, 16, 0, 0], 12, AddressKind::Private),
    ([192, 0, 0, 0], 24, AddressKind::Reserved),
    ([192, 0, 2, 0], 24, AddressKind::Reserved),
    ([192, 88, 99, 0], 24, AddressKind::Reserved),
    ([192, 168, 0, 0], 16, AddressKind::Private),
    ([198, 18, 0, 0], 15, AddressKind::Reserved),
    ([198, 51, 100, 0], 24, AddressKind::Reserved),
    ([203, 0, 113, 0], 24, AddressKind::Reserved),
    ([224, 0, 0, 0], 4, AddressKind::Multicast),
    ([240, 0, 0, 0], 4, AddressKind::Reserved),
];

/// IPv6 ranges with a special purpose within and beside the global unicast range.
const RANGES_V6: [(Ipv6Addr, u32, AddressKind); 11] = [
    (Ipv6Addr::UNSPECIFIED, 128, AddressKind::Reserved),
    (Ipv6Addr::LOCALHOST, 128, AddressKind::Loopback),
    // NAT64 of a network's own (RFC 8215).
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48, AddressKind::Private),
    // Teredo, benchmarks, ORCHID and other protocol assignments (RFC 2928).
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, AddressKind::Reserved),
    (Ipv6Addr::new(0x2001, 0x0db8, 0, 0, 0, 0, 0, 0), 32, AddressKind::Reserved),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, AddressKind::Reserved),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, AddressKind::Private),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, AddressKind::LinkLocal),
    // Site-local, given up by RFC 3879 and in use all the same.
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, AddressKind::Private),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, AddressKind::Multicast),
    (Ipv6Addr::new(0x0100, 0, 0, 0, 0, 0, 0, 0), 64, AddressKind::Reserved),
];

/// What kind of address this is. An IPv6 address that stands for an IPv4 one is of that one's kind.
#[must_use]
pub fn kind(address: IpAddr) -> AddressKind {
    match address {
        IpAddr::V4(address) => kind_v4(address),
        IpAddr::V6(address) => kind_v6(address),
    }
}

fn kind_v4(address: Ipv4Addr) -> AddressKind {
    if METADATA_V4.contains(&address) {
        return AddressKind::Metadata;
    }
    let is_in = |first: [u8; 4], length: u32| (address.to_bits() ^ u32::from_be_bytes(first)) >> (32 - length) == 0;
    let range = RANGES_V4.iter().find(|(first, length, _)| is_in(*first, *length));
    range.map_or(AddressKind::Public, |(_, _, kind)| *kind)
}

fn kind_v6(address: Ipv6Addr) -> AddressKind {
    if METADATA_V6.contains(&address) {
        return AddressKind::Metadata;
    }
    let is_in = |first: Ipv6Addr, length: u32| {
        (address.to_bits() ^ first.to_bits()).checked_shr(128 - length).unwrap_or(0) == 0
    };
    if let Some((_, _, kind)) = RANGES_V6.iter().find(|(first, length, _)| is_in(*first, *length)) {
        return *kind;
    }
    if let Some(embedded) = embedded_v4(address) {
        return kind_v4(embedded);
    }
    // Beside 2000::/3 nothing is given out to machines.
    if address.segments()[0] >> 13 == 0b001 { AddressKind::Public } else { AddressKind::Reserved }
}

/// The IPv4 address that an IPv6 one stands for: mapped and compatible (RFC 4291), NAT64 (RFC 6052), 6to4 (RFC 3056).
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let join = |high: u16, low: u16| Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(join(high, low)),
        [0x2002, high, low, ..] => Some(join(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kind_of(text: &str) -> AddressKind {
        kind(text.parse().unwrap())
    }

    #[test]
    fn every_range_is_known_to_its_ends() {
        for (kind, addresses) in [
            (
                AddressKind::Public,
                &["9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255"][..],
            ),
            (AddressKind::Public, &["172.32.0.0", "192.167.255.255", "192.169.0.0", "223.255.255.255", "8.8.8.8"]),
            (AddressKind::Public, &["2606:4700::1111", "2a00:1450::1", "2002:808:808::1", "64:ff9b::8.8.8.8"]),
            (AddressKind::Public, &["::ffff:8.8.8.8"]),
            (AddressKind::Private, &["10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.255.255"]),
            (AddressKind::Private, &["fc00::", "fdff:ffff::1", "fec0::1", "64:ff9b:1::a00:1", "::ffff:10.1.2.3"]),
            (AddressKind::Private, &["64:ff9b::10.0.0.1", "2002:a00:1::1", "::10.0.0.1"]),
            (AddressKind::CarrierNat, &["100.64.0.0", "100.127.255.255", "::ffff:100.64.0.1"]),
            (AddressKind::Loopback, &["127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1", "2002:7f00:1::"]),
            (AddressKind::LinkLocal, &["169.254.0.0", "169.254.255.255", "fe80::1", "febf::1"]),
            (AddressKind::Metadata, &["169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192"]),
            (AddressKind::Metadata, &["168.63.129.16", "fd00:ec2::254", "::ffff:169.254.169.254"]),
            (AddressKind::Multicast, &["224.0.0.0", "239.255.255.255", "ff02::1"]),
            (AddressKind::Reserved, &["0.0.0.0", "0.1.2.3", "240.0.0.1", "255.255.255.255", "192.0.2.1", "::"]),
            (AddressKind::Reserved, &["198.19.255.255", "203.0.113.7", "2001:db8::1", "2001::1", "3fff::1", "100::1"]),
            (AddressKind::Reserved, &["4000::1", "5f00::1", "::ffff:0.0.0.0"]),
        ] {
            for address in addresses {
                assert_eq!(kind_of(address), kind, "{address}");
            }
        }
    }

    #[test]
    fn what_is_never_a_receiver_stays_closed_whatever_is_allowed() {
        for address in ["169.254.169.254", "224.0.0.1", "0.0.0.0", "::", "ff02::1", "fd00:ec2::254"] {
            assert!(!kind_of(address).is_allowed(true), "{address}");
        }
        for address in ["10.0.0.1", "127.0.0.1", "::1", "fd12::1", "169.254.1.1", "100.64.0.1"] {
            assert!(kind_of(address).is_allowed(true) && !kind_of(address).is_allowed(false), "{address}");
        }
        assert!(kind_of("8.8.8.8").is_allowed(false));
    }

    proptest! {
        #[test]
        fn an_address_in_disguise_is_of_its_own_kind(bits in any::<u32>()) {
            let plain = Ipv4Addr::from_bits(bits);
            let [high, low] = [(bits >> 16) as u16, bits as u16];
            prop_assert_eq!(kind(plain.to_ipv6_mapped().into()), kind(plain.into()));
            for disguise in [[0x64, 0xff9b, 0, 0, 0, 0, high, low], [0x2002, high, low, 0, 0, 0, 0, 1]] {
                prop_assert_eq!(kind(Ipv6Addr::from(disguise).into()), kind(plain.into()));
            }
        }
    }
}
