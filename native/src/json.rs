// SPDX-License-Identifier: Apache-2.0
//! Writing JSON as orjson does.

use memchr::memchr2;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};

/// Header entries after this many are dropped by the reference; here the request is declined.
const MOST_HEADERS: usize = 100;
const HEX: &[u8; 16] = b"0123456789abcdef";

/// Write headers as an object; false where a name is repeated or something is no UTF-8.
///
/// `instead` says what is written in place of a header's value.
pub fn put_table(
    headers: &Bound<'_, PyList>,
    text: &mut Vec<u8>,
    instead: impl Fn(&[u8]) -> Option<&'static [u8]>,
) -> PyResult<bool> {
    if headers.len() > MOST_HEADERS {
        return Ok(false);
    }
    let mut names: Vec<Bound<'_, PyBytes>> = Vec::with_capacity(headers.len());
    text.push(b'{');
    for pair in headers.iter() {
        let pair = pair.cast_into::<PyTuple>()?;
        let name = pair.get_item(0)?.cast_into::<PyBytes>()?;
        let value = pair.get_item(1)?.cast_into::<PyBytes>()?;
        let bytes = name.as_bytes();
        if !bytes.is_ascii() || names.iter().any(|other| other.as_bytes() == bytes) {
            return Ok(false);
        }
        if !names.is_empty() {
            text.push(b',');
        }
        if !put_quoted(bytes, text) {
            return Ok(false);
        }
        text.push(b':');
        if !put_quoted(instead(bytes).unwrap_or(value.as_bytes()), text) {
            return Ok(false);
        }
        names.push(name);
    }
    text.push(b'}');
    Ok(true)
}

/// Write a string in quotes, with the escapes that orjson uses; false where it is no UTF-8.
pub fn put_quoted(bytes: &[u8], text: &mut Vec<u8>) -> bool {
    text.push(b'"');
    let done = put_escaped(bytes, text);
    text.push(b'"');
    done
}

/// Write what stands in a string; false where it is no UTF-8.
pub fn put_escaped(bytes: &[u8], text: &mut Vec<u8>) -> bool {
    // Nearly always; one look at each byte, several at a time.
    let plain = |byte: u8| (0x20..0x80).contains(&byte) & (byte != b'"') & (byte != b'\\');
    if bytes.iter().fold(true, |all, &byte| all & plain(byte)) {
        text.extend_from_slice(bytes);
        return true;
    }
    if std::str::from_utf8(bytes).is_err() {
        return false;
    }
    if bytes.iter().fold(false, |found, &byte| found | (byte < 0x20)) {
        bytes.iter().for_each(|&byte| escape(byte, text));
    } else {
        let mut rest = bytes;
        while let Some(at) = memchr2(b'"', b'\\', rest) {
            text.extend_from_slice(&rest[..at]);
            text.extend_from_slice(&[b'\\', rest[at]]);
            rest = &rest[at + 1..];
        }
        text.extend_from_slice(rest);
    }
    true
}

/// Write a number.
pub fn put_number(number: i64, text: &mut Vec<u8>) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut left = number.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(left % 10).unwrap_or(0);
        left /= 10;
        if left == 0 {
            break;
        }
    }
    if number < 0 {
        text.push(b'-');
    }
    text.extend_from_slice(&digits[at..]);
}

fn escape(byte: u8, text: &mut Vec<u8>) {
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        0x09 => b't',
        0x0a => b'n',
        0x0c => b'f',
        0x0d => b'r',
        0..=0x1f => {
            text.extend_from_slice(b"\\u00");
            text.push(HEX[usize::from(byte >> 4)]);
            text.push(HEX[usize::from(byte & 15)]);
            return;
        }
        _ => {
            text.push(byte);
            return;
        }
    };
    text.extend_from_slice(&[b'\\', short]);
}
