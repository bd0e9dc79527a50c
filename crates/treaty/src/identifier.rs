//! Identifiers: whether a value names one thing, and whether it is what its kind says.

use crate::item::IdentifierKind;
use crate::table;
use std::net::{IpAddr, Ipv6Addr};

const PREFIX: u32 = table::ADDRESS_PREFIX.number().expect("the row holds a count");

/// E.164: at most 15 digits; fewer than 7 name no subscriber.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// Wildcards, lists, ranges and words such as `all users`.
pub(crate) fn names_many(kind: Option<IdentifierKind>, value: &str) -> bool {
    let value = value.trim();
    value.contains('*')
        || has_wild_percent(kind, value)
        || has_list(kind, value)
        || says_all(value)
        || match kind {
            Some(IdentifierKind::Ip) => is_address_range(value),
            Some(IdentifierKind::Email) => value.starts_with('@'),
            _ => false,
        }
}

/// A `%` that is not the percent-encoding of a URL or a file name.
fn has_wild_percent(kind: Option<IdentifierKind>, value: &str) -> bool {
    let may_encode = matches!(kind, Some(IdentifierKind::Url | IdentifierKind::File));
    value.split('%').skip(1).any(|rest| {
        let encoded = rest.len() >= 2 && rest.bytes().take(2).all(|b| b.is_ascii_hexdigit());
        !(may_encode && encoded)
    })
}

fn has_list(kind: Option<IdentifierKind>, value: &str) -> bool {
    let separators: &[char] = match kind {
        Some(IdentifierKind::Url | IdentifierKind::File | IdentifierKind::Other) | None => &['\n'],
        _ => &[',', ';', '\n', '|'],
    };
    value.contains(separators)
}

/// `all`, `any customer`, `every account of …`, in English and as other languages begin it.
fn says_all(value: &str) -> bool {
    const WHOLE: [&str; 8] = ["all", "any", "every", "each", "everyone", "everybody", "whole", "entire"];
    const NOUNS: [&str; 24] = [
        "user",
        "users",
        "account",
        "accounts",
        "customer",
        "customers",
        "subscriber",
        "subscribers",
        "mailbox",
        "mailboxes",
        "person",
        "persons",
        "people",
        "device",
        "devices",
        "address",
        "addresses",
        "number",
        "numbers",
        "data",
        "traffic",
        "logs",
        "of",
        "the",
    ];
    const ELSEWHERE: [&str; 11] = [
        "tous les ",
        "toutes les ",
        "todos los ",
        "todas las ",
        "все ",
        "всех ",
        "جميع ",
        "كل ",
        "所有",
        "全部",
        "tất cả ",
    ];
    let lower = value.to_lowercase();
    let mut words = lower.split_whitespace();
    let whole = words.next().is_some_and(|first| WHOLE.contains(&first));
    whole && words.next().is_none_or(|second| NOUNS.contains(&second))
        || ELSEWHERE.iter().any(|start| lower.starts_with(start))
}

/// Control characters, and those that turn text round or have no width; joiners that Persian and Indic
/// scripts need are let through.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Any prefix of IPv4 under 32 bits, of IPv6 under the policy row, and any `a-b`.
fn is_address_range(value: &str) -> bool {
    let Some((address, bits)) = value.split_once('/') else {
        return value.contains('-');
    };
    match (address.parse::<IpAddr>(), bits.parse::<u32>()) {
        (Ok(IpAddr::V4(_)), Ok(bits)) => bits < 32,
        (Ok(IpAddr::V6(_)), Ok(bits)) => bits < PREFIX,
        _ => false,
    }
}

pub(crate) fn is_well_formed(kind: IdentifierKind, value: &str) -> bool {
    match kind {
        IdentifierKind::Email => is_email(value),
        IdentifierKind::Phone => is_phone(value),
        IdentifierKind::Ip => address(value).is_some(),
        IdentifierKind::Domain => is_domain(value),
        IdentifierKind::Url => is_url(value),
        IdentifierKind::Account
        | IdentifierKind::Device
        | IdentifierKind::Wallet
        | IdentifierKind::File
        | IdentifierKind::Other => true,
    }
}

pub(crate) fn well_formed_remedy(kind: IdentifierKind) -> &'static str {
    match kind {
        IdentifierKind::Email => "write it as `name@example.org`",
        IdentifierKind::Phone => "write it in international form: `+`, country code and number",
        IdentifierKind::Ip => "write one address, such as `203.0.113.7` or `2001:db8::1`",
        IdentifierKind::Domain => "write the name alone, such as `example.org`",
        IdentifierKind::Url => "write it whole, such as `https://example.org/page`",
        _ => "write it exactly as the custodian knows it",
    }
}

fn is_email(value: &str) -> bool {
    match value.rsplit_once('@') {
        Some((local, domain)) => {
            !local.is_empty() && !value.contains(char::is_whitespace) && is_domain(domain)
        }
        None => false,
    }
}

fn is_phone(value: &str) -> bool {
    let digits = value.chars().filter(char::is_ascii_digit).count();
    value.starts_with('+')
        && PHONE_DIGITS.contains(&digits)
        && value.chars().skip(1).all(|c| c.is_ascii_digit() || matches!(c, ' ' | '-' | '.' | '(' | ')'))
}

fn is_domain(value: &str) -> bool {
    let is_label =
        |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
    let value = value.strip_suffix('.').unwrap_or(value);
    value.contains('.') && value.split('.').all(is_label)
}

fn is_url(value: &str) -> bool {
    let rest = value.split_once("://").filter(|(scheme, _)| {
        !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'-')
    });
    rest.is_some_and(|(_, rest)| !rest.is_empty()) && !value.contains(char::is_whitespace)
}

/// One address; a host prefix such as `/32` or a customer's IPv6 prefix is taken too.
fn address(value: &str) -> Option<IpAddr> {
    let (address, bits) = value.split_once('/').unwrap_or((value, ""));
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let fits = bits.is_empty() && !value.contains('/') || bits.parse::<u32>().is_ok_and(|bits| bits <= most);
    fits.then_some(address)
}

pub(crate) fn is_public(value: &str) -> bool {
    match address(value).map(|address| address.to_canonical()) {
        Some(IpAddr::V4(v4)) => {
            let [a, b, ..] = v4.octets();
            let is_shared = a == 100 && (64..128).contains(&b);
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_multicast()
                || v4.is_broadcast()
                || is_shared)
        }
        Some(IpAddr::V6(v6)) => !is_local(v6),
        None => false,
    }
}

fn is_local(v6: Ipv6Addr) -> bool {
    v6.is_loopback()
        || v6.is_unspecified()
        || v6.is_multicast()
        || v6.is_unique_local()
        || v6.is_unicast_link_local()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_ranges_lists_and_everybody_are_bulk() {
        use IdentifierKind::{Account, Domain, Email, File, Ip, Other, Phone, Url};
        let bulk = [
            (Email, "*@example.org"),
            (Email, "@example.org"),
            (Email, "a@example.org, b@example.org"),
            (Email, "a@example.org\nb@example.org"),
            (Account, "john%"),
            (Account, "ALL users"),
            (Account, "every"),
            (Account, "any account of the provider"),
            (Account, "entire"),
            (Phone, "+84 90 *"),
            (Ip, "10.0.0.0/8"),
            (Ip, "203.0.113.0/24"),
            (Ip, "203.0.113.7/31"),
            (Ip, "203.0.113.1-203.0.113.9"),
            (Ip, "2001:db8::/32"),
            (Ip, "203.0.113.7;203.0.113.8"),
            (Domain, "*.example.org"),
            (Url, "https://example.org/%"),
            (Url, "https://example.org/a%zz"),
            (File, "*.pst"),
            (Other, "all customers"),
            (Other, "Tous les abonnés de la ville"),
            (Other, "所有用户"),
            (Other, "جميع المستخدمين"),
        ];
        for (kind, value) in bulk {
            assert!(names_many(Some(kind), value), "{value}");
        }
    }

    #[test]
    fn one_named_thing_is_not_bulk() {
        use IdentifierKind::{Account, Email, File, Ip, Other, Url};
        let named = [
            (Email, "all.users@example.org"),
            (Account, "allstar99"),
            (Account, "every-day"),
            (Account, "All Saints"),
            (Ip, "203.0.113.7"),
            (Ip, "203.0.113.7/32"),
            (Ip, "2001:db8::/64"),
            (Url, "https://example.org/a%20b?x=1,2"),
            (File, "report, final.docx"),
            (Other, "IMSI 452040000000001"),
        ];
        for (kind, value) in named {
            assert!(!names_many(Some(kind), value), "{value}");
        }
    }

    #[test]
    fn an_identifier_is_what_it_says() {
        use IdentifierKind::{Domain, Email, Ip, Phone, Url};
        let cases = [
            (Email, "nguyen@example.org", true),
            (Email, "nguyen@", false),
            (Email, "nguyen at example.org", false),
            (Email, "nguyễn@ví-dụ.vn", true),
            (Phone, "+84 90 123 4567", true),
            (Phone, "090 123 4567", false),
            (Phone, "+84 90 XXX XXXX", false),
            (Phone, "+8", false),
            (Ip, "203.0.113.7", true),
            (Ip, "203.0.113.7/32", true),
            (Ip, "203.0.113.7/33", false),
            (Ip, "203.0.113.7/", false),
            (Ip, "2001:db8::/64", true),
            (Ip, "203.0.113", false),
            (Ip, "localhost", false),
            (Domain, "example.org", true),
            (Domain, "example..org", false),
            (Domain, "https://example.org", false),
            (Url, "https://example.org/x", true),
            (Url, "example.org/x", false),
            (Url, "https://", false),
        ];
        for (kind, value, expected) in cases {
            assert_eq!(is_well_formed(kind, value), expected, "{value}");
        }
    }

    #[test]
    fn private_addresses_name_nobody() {
        for value in [
            "10.1.2.3",
            "192.168.1.1",
            "100.64.0.1",
            "127.0.0.1",
            "::1",
            "fe80::1",
            "fd00::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(!is_public(value), "{value}");
        }
        for value in ["203.0.113.7", "2001:db8::1", "100.128.0.1"] {
            assert!(is_public(value), "{value}");
        }
    }
}
