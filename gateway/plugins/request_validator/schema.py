# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``request-validator``, with the fields of Kong 3.15."""

from __future__ import annotations

import warnings
from typing import Any, Literal

from pydantic import Field, create_model, model_validator

from gateway.entities.base import StrictModel, at_least_one_of, violation

_STYLES = {
    "header": ("simple",),
    "path": ("simple", "label", "matrix"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
}
Version = Literal["kong", "draft4", "draft6", "draft7", "draft201909", "draft202012"]
Style = Literal[
    "deepObject", "form", "label", "matrix", "pipeDelimited", "simple", "spaceDelimited"
]


class ParameterRules(StrictModel):
    """What a parameter's fields have to do with each other."""

    @model_validator(mode="after")
    def _check(self) -> ParameterRules:
        from gateway.plugins.request_validator.validators import schema_problem

        values = [getattr(self, name) for name in ("style", "explode", "schema")]
        if any(value is not None for value in values) and None in values:
            listed = "'style', 'explode', 'schema'"
            raise violation([f"all or none of these fields must be set: {listed}"])
        style, _, schema = values
        if schema is None:
            return self
        allowed = _STYLES[getattr(self, "in")]
        if style not in allowed:
            text = f"a parameter of this place has one of: {', '.join(allowed)}"
            raise violation([], {"style": text})
        problem = schema_problem(schema, "draft4", needs_type=True)
        if problem:
            raise violation([], {"schema": problem})
        return self


_FIELDS: dict[str, Any] = {
    "in": (
        Literal["header", "path", "query"],
        Field(description="Where the parameter is; in the path, as a named group of the route."),
    ),
    "name": (str, Field(description="The parameter's name.")),
    "required": (bool, Field(description="Whether the parameter must be there.")),
    "style": (
        Style | None,
        Field(default=None, description="How values are written, in OpenAPI's words."),
    ),
    "explode": (
        bool | None,
        Field(default=None, description="Whether each item of a list or object is written apart."),
    ),
    "schema": (
        str | None,
        Field(default=None, description="The JSON schema (draft 4) of the value, with a `type`."),
    ),
}

with warnings.catch_warnings():
    # The field's name is Kong's; pydantic has a deprecated method of that name.
    warnings.simplefilter("ignore", UserWarning)
    Parameter: Any = create_model("Parameter", __base__=ParameterRules, **_FIELDS)


def _json_only() -> list[str]:
    return ["application/json"]


class Config(StrictModel):
    """Let only requests pass whose body and parameters fit their schemas; others are a 400.

    It runs before limits, transformers and records. Only JSON bodies are held against
    `body_schema`; those of other types that are allowed pass.
    """

    body_schema: str | None = Field(
        default=None,
        description="The schema of the body, as JSON: a list of fields in Kong's own language "
        "with `version: kong`, a JSON schema otherwise.",
    )
    allowed_content_types: list[str] | None = Field(
        default_factory=_json_only,
        description="The types that a body may have, where there is a `body_schema`; `*` stands "
        "for any type or subtype.",
    )
    content_type_parameter_validation: bool = Field(
        default=True,
        description="Whether the parameters of the type, such as charset, must be the same too.",
    )
    parameter_schema: list[Parameter] | None = Field(
        default=None, description="The parameters that are looked at."
    )
    version: Version = Field(default="kong", description="The language of `body_schema`.")
    verbose_response: bool = Field(
        default=False, description="Whether a refusal says what is wrong."
    )
    array_length_compat: bool = Field(
        default=True,
        description="Whether `minLength` and `maxLength` of a JSON schema count the items of lists "
        "as well.",
    )

    @model_validator(mode="after")
    def _check(self) -> Config:
        # The validators are loaded only where the plugin is used.
        from gateway.plugins.request_validator.validators import schema_problem

        if self.body_schema is None and not self.parameter_schema:
            raise violation([at_least_one_of(("config.body_schema", "config.parameter_schema"))])
        if self.body_schema is not None:
            problem = schema_problem(self.body_schema, self.version)
            if problem:
                raise violation([], {"body_schema": problem})
        return self
