# SPDX-License-Identifier: Apache-2.0
"""What of librdkafka's C API is used.

``python -m gateway.kafka.declarations`` writes the parsed form, ``_rdkafka.py``.

Parsing C takes cffi 200 ms, which each worker would pay when it starts; so the parsed form is kept
beside this file, and a test sees to it that both are in step.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

MODULE = "gateway.kafka._rdkafka"
FILE = Path(__file__).with_name("_rdkafka.py")

DECLARATIONS = """
typedef struct rd_kafka_s rd_kafka_t;
typedef struct rd_kafka_conf_s rd_kafka_conf_t;
typedef struct rd_kafka_topic_s rd_kafka_topic_t;
typedef struct rd_kafka_queue_s rd_kafka_queue_t;
typedef struct rd_kafka_op_s rd_kafka_event_t;
typedef struct rd_kafka_error_s rd_kafka_error_t;
typedef struct rd_kafka_headers_s rd_kafka_headers_t;
typedef struct rd_kafka_mock_cluster_s rd_kafka_mock_cluster_t;

typedef struct rd_kafka_message_s {
    int err;
    rd_kafka_topic_t *rkt;
    int32_t partition;
    void *payload;
    size_t len;
    void *key;
    size_t key_len;
    int64_t offset;
    size_t _private;
} rd_kafka_message_t;

typedef struct rd_kafka_vu_s {
    int vtype;
    union {
        rd_kafka_topic_t *rkt;
        int i;
        int32_t i32;
        size_t opaque;
        struct { const void *ptr; size_t size; } mem;
        struct { const char *name; const void *val; ssize_t size; } header;
        char _pad[64];
    } u;
} rd_kafka_vu_t;

const char *rd_kafka_version_str(void);
const char *rd_kafka_err2name(int);
const char *rd_kafka_err2str(int);
int rd_kafka_error_code(const rd_kafka_error_t *);
void rd_kafka_error_destroy(rd_kafka_error_t *);

rd_kafka_conf_t *rd_kafka_conf_new(void);
void rd_kafka_conf_destroy(rd_kafka_conf_t *);
int rd_kafka_conf_set(rd_kafka_conf_t *, const char *, const char *, char *, size_t);
void rd_kafka_conf_set_events(rd_kafka_conf_t *, int);
rd_kafka_t *rd_kafka_new(int, rd_kafka_conf_t *, char *, size_t);
void rd_kafka_destroy_flags(rd_kafka_t *, int);
int rd_kafka_set_log_queue(rd_kafka_t *, rd_kafka_queue_t *);
int rd_kafka_purge(rd_kafka_t *, int);
int rd_kafka_outq_len(rd_kafka_t *);
int rd_kafka_flush(rd_kafka_t *, int);
int rd_kafka_metadata(rd_kafka_t *, int, rd_kafka_topic_t *, const void **, int);
void rd_kafka_metadata_destroy(const void *);

rd_kafka_topic_t *rd_kafka_topic_new(rd_kafka_t *, const char *, void *);
void rd_kafka_topic_destroy(rd_kafka_topic_t *);

int rd_kafka_produce(rd_kafka_topic_t *, int32_t, int, const char *, size_t, const char *, size_t,
                     size_t);
int rd_kafka_produce_batch(rd_kafka_topic_t *, int32_t, int, rd_kafka_message_t *, int);
rd_kafka_error_t *rd_kafka_produceva(rd_kafka_t *, const rd_kafka_vu_t *, size_t);
int rd_kafka_last_error(void);

rd_kafka_queue_t *rd_kafka_queue_get_main(rd_kafka_t *);
void rd_kafka_queue_destroy(rd_kafka_queue_t *);
void rd_kafka_queue_io_event_enable(rd_kafka_queue_t *, int, const void *, size_t);
rd_kafka_event_t *rd_kafka_queue_poll(rd_kafka_queue_t *, int);
int rd_kafka_event_type(const rd_kafka_event_t *);
size_t rd_kafka_event_message_count(rd_kafka_event_t *);
size_t rd_kafka_event_message_array(rd_kafka_event_t *, const rd_kafka_message_t **, size_t);
int rd_kafka_event_error(rd_kafka_event_t *);
const char *rd_kafka_event_error_string(rd_kafka_event_t *);
int rd_kafka_event_error_is_fatal(rd_kafka_event_t *);
int rd_kafka_event_log(rd_kafka_event_t *, const char **, const char **, int *);
void rd_kafka_event_destroy(rd_kafka_event_t *);
int rd_kafka_message_headers(const rd_kafka_message_t *, rd_kafka_headers_t **);
int rd_kafka_header_get_all(const rd_kafka_headers_t *, size_t, const char **, const void **,
                            size_t *);
int64_t rd_kafka_message_latency(const rd_kafka_message_t *);
const char *rd_kafka_topic_name(const rd_kafka_topic_t *);

int rd_kafka_oauthbearer_set_token(rd_kafka_t *, const char *, int64_t, const char *,
                                   const char **, size_t, char *, size_t);
int rd_kafka_oauthbearer_set_token_failure(rd_kafka_t *, const char *);

rd_kafka_mock_cluster_t *rd_kafka_mock_cluster_new(rd_kafka_t *, int);
void rd_kafka_mock_cluster_destroy(rd_kafka_mock_cluster_t *);
const char *rd_kafka_mock_cluster_bootstraps(const rd_kafka_mock_cluster_t *);
int rd_kafka_mock_topic_create(rd_kafka_mock_cluster_t *, const char *, int, int);
int rd_kafka_mock_partition_set_leader(rd_kafka_mock_cluster_t *, const char *, int32_t, int32_t);
int rd_kafka_mock_broker_set_down(rd_kafka_mock_cluster_t *, int32_t);
int rd_kafka_mock_broker_set_up(rd_kafka_mock_cluster_t *, int32_t);
int rd_kafka_mock_broker_set_rtt(rd_kafka_mock_cluster_t *, int32_t, int);
void rd_kafka_mock_push_request_errors_array(rd_kafka_mock_cluster_t *, int16_t, size_t,
                                             const int *);
void rd_kafka_mock_clear_request_errors(rd_kafka_mock_cluster_t *, int16_t);
"""


_HEAD = '''# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501
# fmt: off
"""Written by ``python -m gateway.kafka.declarations``; not for editing."""
'''
_UNTYPED = "  # type: ignore[import-untyped]  # cffi ships no types"


def parsed() -> str:
    """Return the parsed declarations as the source of a Python module."""
    from cffi import FFI  # type: ignore[import-untyped]  # cffi ships no types

    ffi = FFI()
    ffi.cdef(DECLARATIONS)
    ffi.set_source(MODULE, None)
    with TemporaryDirectory() as folder:
        target = Path(folder, FILE.name)
        ffi.emit_python_code(str(target))
        lines = target.read_text().splitlines()
    code = [line + _UNTYPED if line == "import _cffi_backend" else line for line in lines]
    return _HEAD + "\n".join(line for line in code if not line.startswith("#")) + "\n"


if __name__ == "__main__":
    FILE.write_text(parsed())
