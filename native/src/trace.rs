// SPDX-License-Identifier: Apache-2.0
//! Twin of `traceparent_flags` in `gateway/plugins/opentelemetry/passing.py`.

use pyo3::prelude::*;

/// `00-` trace `-` span `-` flags, each part in hex.
const LENGTH: usize = 55;
const SPAN: usize = 36;
const FLAGS: usize = 53;

/// Return the flags of a `traceparent` of version 00 in lower case, with ids that are not zero;
/// None where it is none.
#[pyfunction]
pub fn traceparent_flags(content: &[u8]) -> Option<u8> {
    let usual = content.len() == LENGTH
        && content.starts_with(b"00-")
        && content[SPAN - 1] == b'-'
        && content[FLAGS - 1] == b'-'
        && is_id(&content[3..SPAN - 1])
        && is_id(&content[SPAN..FLAGS - 1])
        && content[FLAGS..].iter().all(|byte| is_hex(*byte));
    usual.then(|| digit(content[FLAGS]) << 4 | digit(content[FLAGS + 1]))
}

/// Whether all is hex, and not all is zero. All is looked at, many bytes at once.
fn is_id(text: &[u8]) -> bool {
    let wrong = text.iter().fold(0u8, |found, byte| found | u8::from(!is_hex(*byte)));
    let some = text.iter().fold(0u8, |found, byte| found | (byte ^ b'0'));
    wrong == 0 && some != 0
}

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_digit() | (b'a'..=b'f').contains(&byte)
}

fn digit(byte: u8) -> u8 {
    if byte.is_ascii_digit() { byte - b'0' } else { byte - b'a' + 10 }
}
