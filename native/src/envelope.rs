// SPDX-License-Identifier: Apache-2.0
//! Twin of `EnvelopeBuilder.encode` in `gateway/plugins/produce`, for JSON bodies and no body.

use memchr::{memchr2_iter, memchr_iter};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};
use serde::de::IgnoredAny;

use crate::json::{put_quoted, put_table};

const JSON: &[u8] = b"application/json";

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
        if !put_quoted(method.as_bytes(), &mut text) {
            return Ok(None);
        }
    }
    if shown {
        member(&mut text, b"\"headers\":");
        if !put_table(headers, &mut text, |_| None)? {
            return Ok(None);
        }
    }
    if let Some(target) = target {
        member(&mut text, b"\"uri\":");
        if target.as_bytes().contains(&b'?') || !put_quoted(target.as_bytes(), &mut text) {
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
        if !put_quoted(bytes, &mut text) {
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
