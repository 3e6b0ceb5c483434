# SPDX-License-Identifier: Apache-2.0
"""How a resource type is declared, once for both sides.

The class of the Pulumi program (``provider.client``) and the implementation in the plugin
(``provider.resources``) derive from the declaration, so it imports neither the SDK nor what an
implementation needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast, dataclass_transform

from gateway.names.property_paths import PropertyPath
from provider.fields import Field, anything, array, boolean, integer, mapping, record, text

if TYPE_CHECKING:
    import pulumi

_T = TypeVar("_T")


class OutputField(Generic[_T]):
    """A property that the provider gives, of the type ``kind``; ``pulumi.Output`` to the program.

    Its name is the attribute's, unless ``name`` says otherwise (for an input to be read).
    ``recorded``: it stands in the inputs as well, with this field's default.
    """

    def __init__(
        self,
        kind: type[_T],
        *,
        name: str = "",
        secret: bool = False,
        recorded: Field | None = None,
    ) -> None:
        self.kind = kind
        self.name = name
        self.secret = secret
        self.recorded = recorded

    def __set_name__(self, owner: type, attribute: str) -> None:
        self.name = self.name or property_name(attribute)

    def __get__(self, resource: object, owner: type | None = None) -> pulumi.Output[_T]:
        # The SDK keeps each property of a resource under its wire name.
        return cast("pulumi.Output[_T]", vars(resource)[self.name])


def _parameter(*, default: Any = None, kw_only: bool = True) -> Any:
    """A parameter of each client class that is no input."""
    raise AssertionError((default, kw_only, "for type checkers only"))


@dataclass_transform(
    kw_only_default=True,
    field_specifiers=(text, integer, boolean, anything, record, mapping, array, _parameter),
)
class _Declared:
    """Makes type checkers read the annotated attributes of subclasses as arguments."""


class ResourceType(_Declared):
    """The token, inputs and outputs of one resource type.

    An annotated attribute is an input: in snake case the argument of the client class, in camel
    case the property that goes over the wire. Objects inside it keep their names.
    """

    token: ClassVar[str]
    inputs: ClassVar[Mapping[str, Field]]
    """Property name to field, in the order of declaration."""
    outputs: ClassVar[tuple[str, ...]]
    """Names of the properties that are no inputs."""
    output_fields: ClassVar[Mapping[str, OutputField[Any]]]
    """Property name to output, those that are inputs as well included."""
    secrets: ClassVar[tuple[PropertyPath, ...]]
    """Properties that are secret whatever the program says."""

    if TYPE_CHECKING:
        pulumi_name: str = _parameter(kw_only=False)
        opts: pulumi.ResourceOptions | None = _parameter(default=None)

    def __init_subclass__(cls, *, token: str = "", **more: Any) -> None:
        """Collect the declaration; a client class, which has no ``token``, inherits it."""
        super().__init_subclass__(**more)
        if not token:
            return
        cls.token = token
        inputs, outputs = {}, {}
        for attribute, declared in vars(cls).items():
            if isinstance(declared, Field):
                inputs[property_name(attribute)] = declared
            elif isinstance(declared, OutputField):
                outputs[declared.name] = declared
                if declared.recorded is not None:
                    inputs[declared.name] = declared.recorded
        cls.inputs = inputs
        cls.output_fields = outputs
        cls.outputs = tuple(name for name in outputs if name not in inputs)
        cls.secrets = (
            *((name,) for name, output in outputs.items() if output.secret),
            *(path for name, field in inputs.items() for path in field.secret_paths((name,))),
        )

    @classmethod
    def recorded(cls, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the inputs that stand among the outputs as well.

        The engine writes all of the state at each step: what is large and told by others, such as
        an endpoint with its authority, stands there once.
        """
        hidden = {name for name, field in cls.inputs.items() if field.input_only}
        return {name: value for name, value in inputs.items() if name not in hidden}


def property_name(attribute: str) -> str:
    """``early_renewal_hours`` as it goes over the wire: ``earlyRenewalHours``."""
    first, *rest = attribute.split("_")
    return first + "".join(word.title() for word in rest)
