# SPDX-License-Identifier: Apache-2.0
"""Hold parameters and body against their schemas before anything else is done with a request."""

from __future__ import annotations

from typing import Any

import orjson

from gateway.http.generated_responses import JSON, json_response
from gateway.http.messages import Request, Response
from gateway.plugins.base import Handler, PluginContext
from gateway.plugins.produce import json_text
from gateway.plugins.request_validator.content_types import AllowedTypes
from gateway.plugins.request_validator.kong_schema import Check
from gateway.plugins.request_validator.parameters import ParameterReader
from gateway.plugins.request_validator.validators import validator

_NOT_ALLOWED = "specified Content-Type is not allowed"
_BODY = "request body doesn't conform to schema"
_DEEPEST = 200
"""Arrays and objects inside each other in a body: the validators go no deeper."""


class RequestValidator(Handler):
    """One configuration, its schemas compiled."""

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        self.needs_body = config.body_schema is not None
        self._body: Check | None = None
        if config.body_schema is not None:
            self._body = validator(
                config.body_schema, config.version, lengths_of_lists=config.array_length_compat
            )
        self._types = AllowedTypes(
            config.allowed_content_types or (),
            parameters=config.content_type_parameter_validation,
        )
        self._parameters = [
            (ParameterReader(one), None if one.schema is None else validator(one.schema, "draft4"))
            for one in config.parameter_schema or ()
        ]

    def access(self, request: Request) -> Response | None:
        """Refuse what does not fit, with a 400."""
        for reader, check in self._parameters:
            refused = self._parameter(request, reader, check)
            if refused is not None:
                return refused
        return None if self._body is None else self._of_body(request, self._body)

    def _parameter(
        self, request: Request, reader: ParameterReader, check: Check | None
    ) -> Response | None:
        value: Any = None
        try:
            there, value = reader.read(request)
            if not there:
                if not reader.required:
                    return None
                problem = "required parameter missing"
            else:
                problem = check(value) if check is not None else ""
        except ValueError as error:
            problem = str(error)
        if not problem:
            return None
        text = f"{reader.place} param '{reader.name}' doesn't conform to schema"
        return self._refuse(text, problem, value)

    def _of_body(self, request: Request, check: Check) -> Response | None:
        given = request.header_values(b"content-type")
        text = given[0].decode("latin-1") if given else ""
        found = self._types.find(text[:1000])
        # Of several the upstream may read another than was looked at here.
        if found is None or len(given) > 1:
            return json_response(400, _NOT_ALLOWED)
        if not found.is_json:
            return None
        try:
            json_text.check(request.body, _DEEPEST)
            request.body.decode()
            value = json_text.load(request.body, float)
        except ValueError as error:
            return self._refuse(_BODY, f"it is not JSON: {error}", None)
        try:
            problem = check(value)
        except (ValueError, TypeError, AttributeError) as error:
            problem = str(error)
        return self._refuse(_BODY, problem, value) if problem else None

    def _refuse(self, text: str, problem: str, value: Any) -> Response:
        if not self.config.verbose_response:
            return json_response(400, text)
        body = orjson.dumps({"message": {"data": value, "error": problem}})
        return Response(400, [(b"Content-Type", JSON)], body)
