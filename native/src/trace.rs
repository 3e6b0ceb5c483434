// SPDX-License-Identifier: Apache-2.0
//! Twin of `passing_trace` in `gateway/plugins/opentelemetry/passing.py`.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyFrozenSet, PyList, PyString, PyTuple};

const NAME: &[u8] = b"traceparent";
/// `00-` trace `-` span `-` flags, each part in hex.
const LENGTH: usize = 55;
const SPAN: usize = 36;
const FLAGS: usize = 53;

static RAW: PyOnceLock<Py<PyBytes>> = PyOnceLock::new();
static TEXT: PyOnceLock<Py<PyString>> = PyOnceLock::new();

type Passing<'py> = (Bound<'py, PyList>, Bound<'py, PyTuple>, bool);

/// Return headers that go on, those of records, and whether the caller has sent its trace; None
/// where the trace is recorded or the reference has to say.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub fn passing_trace<'py>(
    py: Python<'py>,
    headers: &Bound<'py, PyList>,
    before: &Bound<'py, PyFrozenSet>,
    behind: &Bound<'py, PyFrozenSet>,
    id: &Bound<'py, PyBytes>,
    drawn: &Bound<'py, PyBytes>,
    follows: bool,
    last: Option<u64>,
) -> PyResult<Option<Passing<'py>>> {
    let (id, drawn) = (id.as_bytes(), drawn.as_bytes());
    if id.len() != 32 || drawn.len() < 16 {
        return Ok(None);
    }
    let mut came = None;
    let mut at = headers.len();
    let mut others = false;
    for (place, item) in headers.iter().enumerate() {
        let pair = item.cast::<PyTuple>()?;
        let name = pair.get_item(0)?.cast_into::<PyBytes>()?;
        let bytes = name.as_bytes();
        if bytes == NAME {
            if came.is_some() {
                return Ok(None);
            }
            came = Some(pair.get_item(1)?.cast_into::<PyBytes>()?);
            at = place;
            continue;
        }
        if begins_as_one(bytes) {
            if before.contains(&name)? {
                return Ok(None);
            }
            others = others || behind.contains(&name)?;
        }
    }
    let mut value = [b'0'; LENGTH];
    for dash in [2, SPAN - 1, FLAGS - 1] {
        value[dash] = b'-';
    }
    match &came {
        Some(came) => {
            let came = came.as_bytes();
            if !is_context(came) || (follows && is_sampled(came)) {
                return Ok(None);
            }
            value[3..SPAN - 1].copy_from_slice(&came[3..SPAN - 1]);
        }
        None if others || is_below(id, last) => return Ok(None),
        None => value[3..SPAN - 1].copy_from_slice(id),
    }
    value[SPAN..FLAGS - 1].copy_from_slice(&drawn[..16]);
    let value = PyBytes::new(py, &value);
    let raw = RAW.get_or_init(py, || PyBytes::new(py, NAME).unbind());
    let text = TEXT.get_or_init(py, || PyString::new(py, "traceparent").unbind());
    let passed = headers.get_slice(0, headers.len());
    let pair = (raw, &value).into_pyobject(py)?;
    if came.is_some() {
        passed.set_item(at, pair)?;
    } else {
        passed.append(pair)?;
    }
    let on_records = ((text, &value),).into_pyobject(py)?;
    Ok(Some((passed, on_records, came.is_some())))
}

/// Tell whether a name may be one of those that a trace context is in.
fn begins_as_one(name: &[u8]) -> bool {
    match name.first() {
        Some(b'b' | b'o' | b't' | b'x') => true,
        // Not user-agent, which nearly all have.
        Some(b'u') => name.get(1) == Some(&b'b'),
        _ => false,
    }
}

/// Tell whether it is a `traceparent` of version 00 in lower case, with ids that are not zero.
fn is_context(value: &[u8]) -> bool {
    value.len() == LENGTH
        && value.starts_with(b"00-")
        && value[SPAN - 1] == b'-'
        && value[FLAGS - 1] == b'-'
        && is_id(&value[3..SPAN - 1])
        && is_id(&value[SPAN..FLAGS - 1])
        && value[FLAGS..].iter().all(|byte| is_hex(*byte))
}

fn is_id(text: &[u8]) -> bool {
    text.iter().all(|byte| is_hex(*byte)) && text.iter().any(|byte| *byte != b'0')
}

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)
}

fn digit(byte: u8) -> u64 {
    u64::from(if byte.is_ascii_digit() { byte - b'0' } else { byte.wrapping_sub(b'a' - 10) })
}

fn is_sampled(context: &[u8]) -> bool {
    digit(context[LENGTH - 1]) & 1 == 1
}

/// Tell whether the first eight bytes of an id, a little-endian number, are `last` or less.
fn is_below(id: &[u8], last: Option<u64>) -> bool {
    let number = (0..8).rev().fold(0_u64, |number, place| {
        number << 8 | (digit(id[2 * place]) << 4 | digit(id[2 * place + 1])) & 0xff
    });
    last.is_some_and(|last| number <= last)
}
