// SPDX-License-Identifier: Apache-2.0
//! Twin of `EnvelopeBuilder.encode` in `gateway/plugins/produce`, for JSON bodies and no body.

use memchr::{memchr2, memchr2_iter, memchr_iter};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};
use serde::de::IgnoredAny;

/// Header entries after this many are dropped by the reference; here the head is declined.
const MOST_HEADERS: usize = 100;
const JSON: &[u8] = b"application/json";
const HEX: &[u8; 16] = b"0123456789abcdef";

/// Return the envelope of a request, as JSON; None where the reference has to do it.
///
/// `shown` says whether the headers are in it; each argument that is None is left out. `body` is a
/// JSON text by the headers' Content-Type, of which `deepest` says how deep it may be nested;
/// `target` has no query.
#[pyfunction]
#[pyo3(signature = (headers, shown, method, target, body, deepest))]
pub fn envelope<'py>(
    py: Python<'py>,
    headers: &Bound<'py, PyList>,
    shown: bool,
    method: Option<&Bound<'py, PyBytes>>,
    target: Option<&Bound<'py, PyBytes>>,
    body: Option<&Bound<'py, PyBytes>>,
    deepest: usize,
) -> PyResult<Option<Bound<'py, PyBytes>>> {
    let mut text = Vec::with_capacity(256 + body.map_or(0, |body| 2 * body.as_bytes().len() + 64));
    text.push(b'{');
    if let Some(method) = method {
        text.extend_from_slice(b"\"method\":");
        if !quote(method.as_bytes(), &mut text) {
            return Ok(None);
        }
    }
    if shown {
        member(&mut text, b"\"headers\":");
        if !table(headers, &mut text)? {
            return Ok(None);
        }
    }
    if let Some(target) = target {
        member(&mut text, b"\"uri\":");
        if target.as_bytes().contains(&b'?') || !quote(target.as_bytes(), &mut text) {
            return Ok(None);
        }
        text.extend_from_slice(b",\"uri_args\":{}");
    }
    if let Some(body) = body {
        let bytes = body.as_bytes();
        if !says_json(headers)? || !is_container(bytes) || !is_json(bytes, deepest) {
            return Ok(None);
        }
        member(&mut text, b"\"body\":");
        if !quote(bytes, &mut text) {
            return Ok(None);
        }
        text.extend_from_slice(b",\"body_args\":");
        text.extend_from_slice(bytes);
    }
    text.push(b'}');
    Ok(Some(PyBytes::new(py, &text)))
}

fn member(text: &mut Vec<u8>, name: &[u8]) {
    if text.len() > 1 {
        text.push(b',');
    }
    text.extend_from_slice(name);
}

/// Write headers as an object; false where a name is repeated or something is no UTF-8.
fn table(headers: &Bound<'_, PyList>, text: &mut Vec<u8>) -> PyResult<bool> {
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
        if !quote(bytes, text) {
            return Ok(false);
        }
        text.push(b':');
        if !quote(value.as_bytes(), text) {
            return Ok(false);
        }
        names.push(name);
    }
    text.push(b'}');
    Ok(true)
}

/// Write a string in quotes, with the escapes that orjson uses; false where it is no UTF-8.
fn quote(bytes: &[u8], text: &mut Vec<u8>) -> bool {
    if std::str::from_utf8(bytes).is_err() {
        return false;
    }
    text.push(b'"');
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
    text.push(b'"');
    true
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

/// Whether the first Content-Type begins with `application/json`.
fn says_json(headers: &Bound<'_, PyList>) -> PyResult<bool> {
    for pair in headers.iter() {
        let pair = pair.cast_into::<PyTuple>()?;
        if pair.get_borrowed_item(0)?.cast::<PyBytes>()?.as_bytes() == b"content-type" {
            let value = pair.get_borrowed_item(1)?;
            let value = value.cast::<PyBytes>()?;
            let start = value.as_bytes().get(..JSON.len());
            return Ok(start.is_some_and(|start| start.eq_ignore_ascii_case(JSON)));
        }
    }
    Ok(false)
}

/// Whether the first byte behind blanks opens an object or an array.
fn is_container(body: &[u8]) -> bool {
    let first = body.iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
    matches!(first, Some(b'{' | b'['))
}

/// Whether a text is JSON (RFC 8259), and certainly not nested too deeply.
fn is_json(body: &[u8], deepest: usize) -> bool {
    // serde_json skips values at any depth, without recursion: as many brackets are enough to ask
    // the reference.
    memchr2_iter(b'[', b'{', body).count() <= deepest
        && !has_surrogates(body)
        && serde_json::from_slice::<IgnoredAny>(body).is_ok()
}

/// Whether a character may be written as two escapes: serde_json does not look whether they fit.
fn has_surrogates(body: &[u8]) -> bool {
    memchr_iter(b'\\', body).any(|at| matches!(&body[at..], [_, b'u', b'd' | b'D', ..]))
}
