// SPDX-License-Identifier: Apache-2.0
//! Twins of `_fill` and `_produce_each` in `gateway/kafka/headed_records.py`.

use std::cell::Cell;
use std::ffi::c_void;

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};

/// Machine words of a field.
const WORDS: usize = 9;
/// Where the contents of fields begin in a row; see the reference.
const TOPIC: usize = 1;
const TOKEN: usize = 3 * WORDS + 1;
const VALUE: usize = 4 * WORDS + 1;
const KEY: usize = 5 * WORDS + 1;
const HEADER: usize = 6 * WORDS + 1;

/// Fill a row for each record in, and return the length of the largest value; None where the
/// reference has to do it. Everything is pointed to where it is: it has to stay until it is used.
///
/// `names` gives the address of a header's name.
#[pyfunction]
pub fn fill_rows(
    py: Python<'_>,
    words: &Bound<'_, PyAny>,
    width: usize,
    topic: u64,
    tokens: &Bound<'_, PyList>,
    values: &Bound<'_, PyList>,
    extras: &Bound<'_, PyList>,
    names: &Bound<'_, PyAny>,
) -> PyResult<Option<usize>> {
    let buffer = PyBuffer::<u64>::get(words)?;
    let Some(cells) = buffer.as_mut_slice(py) else { return Ok(None) };
    let count = values.len();
    if tokens.len() != count || extras.len() != count || cells.len() < count * width {
        return Ok(None);
    }
    let mut largest = 0;
    let mut known: Option<(Bound<'_, PyAny>, u64)> = None;
    for (place, row) in cells.chunks_exact(width).take(count).enumerate() {
        row[TOPIC].set(topic);
        row[TOKEN].set(tokens.get_item(place)?.extract()?);
        let value = values.get_item(place)?;
        let Ok(value) = value.cast::<PyBytes>() else { return Ok(None) };
        largest = largest.max(value.as_bytes().len());
        point_to(row, VALUE, value);
        let extra = extras.get_item(place)?.cast_into::<PyTuple>()?;
        let key = extra.get_item(0)?;
        match key.cast::<PyBytes>() {
            Ok(key) if !key.as_bytes().is_empty() => point_to(row, KEY, key),
            Ok(_) => no_key(row),
            Err(_) if key.is_none() => no_key(row),
            Err(_) => return Ok(None),
        }
        let mut at = HEADER;
        for header in extra.get_item(1)?.try_iter()? {
            let header = header?.cast_into::<PyTuple>()?;
            let (name, content) = (header.get_item(0)?, header.get_item(1)?);
            let Ok(content) = content.cast::<PyBytes>() else { return Ok(None) };
            if at + 2 >= row.len() {
                return Ok(None);
            }
            let address = match &known {
                Some((last, address)) if last.is(&name) => *address,
                _ => names.get_item(&name)?.extract()?,
            };
            known = Some((name, address));
            row[at].set(address);
            point_to(row, at + 1, content);
            at += WORDS;
        }
    }
    Ok(Some(largest))
}

fn point_to(row: &[Cell<u64>], at: usize, bytes: &Bound<'_, PyBytes>) {
    let bytes = bytes.as_bytes();
    row[at].set(bytes.as_ptr() as u64);
    row[at + 1].set(bytes.len() as u64);
}

fn no_key(row: &[Cell<u64>]) {
    row[KEY].set(0);
    row[KEY + 1].set(0);
}

/// `rd_kafka_error_t *rd_kafka_produceva(rd_kafka_t *, const rd_kafka_vu_t *, size_t)`
type Produce = unsafe extern "C" fn(*const c_void, *const c_void, usize) -> *const c_void;

/// Hand `count` rows over, each with its first `used` fields; return the addresses of their errors,
/// 0 for none; nothing where all were taken.
///
/// `function` is the address of librdkafka's `rd_kafka_produceva`, `handle` that of a client which
/// is open, `rows` that of a table as `fill_rows` fills it: rows of `fields` fields.
#[pyfunction]
#[allow(unsafe_code)]
pub fn produce_rows(
    py: Python<'_>,
    function: usize,
    handle: usize,
    rows: usize,
    count: usize,
    fields: usize,
    used: usize,
) -> PyResult<Vec<usize>> {
    if function == 0 || handle == 0 || rows == 0 || used > fields {
        return Err(PyValueError::new_err("an address is 0, or a row has more fields than there are"));
    }
    let step = fields * WORDS * size_of::<u64>();
    // As cffi does around each call: librdkafka may wait for a lock of its own.
    Ok(py.detach(|| {
        // SAFETY: the caller vouches for the address, as it does where it calls by cffi.
        let produce = unsafe { std::mem::transmute::<usize, Produce>(function) };
        let mut errors = Vec::new();
        for place in 0..count {
            let row = (rows + place * step) as *const c_void;
            // SAFETY: the row was filled with what outlives the call, and librdkafka copies what
            // it keeps, but values that the caller lends it.
            let error = unsafe { produce(handle as *const c_void, row, used) } as usize;
            if error != 0 && errors.is_empty() {
                errors = vec![0; count];
            }
            if let Some(noted) = errors.get_mut(place) {
                *noted = error;
            }
        }
        errors
    }))
}
