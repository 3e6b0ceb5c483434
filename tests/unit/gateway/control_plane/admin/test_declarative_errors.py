# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from gateway.control_plane.admin.declarative_errors import declarative_error

DOCUMENT = {
    "services": {
        "a": {"tags": ["t"], "routes": {"r": {"id": "1", "plugins": {"key-auth": {"key": "s"}}}}}
    }
}
PROBLEMS = [
    'services["a"].host: required field missing',
    'services["a"].routes["r"].plugins["key-auth"].config.key_names[0]: expected a string',
    'services["a"].routes["r"]: must set one of paths, hosts',
    "line 3, column 1: no YAML",
]


def test_nested_they_stand_at_their_places() -> None:
    body = declarative_error(PROBLEMS, DOCUMENT, flat=False)
    service = body["fields"]["services"]["a"]
    assert service["host"] == "required field missing"
    route = service["routes"]["r"]
    assert route["@entity"] == ["must set one of paths, hosts"]
    assert route["plugins"]["key-auth"]["config"]["key_names"] == {"0": "expected a string"}
    assert body["fields"]["@entity"] == ["line 3, column 1: no YAML"]


def test_flattened_they_stand_by_entity_and_the_rest_stays() -> None:
    body = declarative_error(PROBLEMS, DOCUMENT, flat=True)
    assert body["fields"] == {"@entity": ["line 3, column 1: no YAML"]}
    assert body["flattened_errors"] == [
        {
            "entity_type": "service",
            "errors": [{"type": "field", "field": "host", "message": "required field missing"}],
            "entity_name": "a",
            "entity_tags": ["t"],
        },
        {
            "entity_type": "plugin",
            "errors": [
                {
                    "type": "field",
                    "field": "config.key_names.1",
                    "message": "expected a string",
                }
            ],
            "entity_name": "key-auth",
        },
        {
            "entity_type": "route",
            "errors": [{"type": "entity", "message": "must set one of paths, hosts"}],
            "entity_name": "r",
            "entity_id": "1",
        },
    ]
