# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import inspect
import re

from gateway import errors


def tree() -> dict[str, list[str]]:
    """Return the tree in the module's docstring: class to its ancestors, the nearest last."""
    assert errors.__doc__ is not None
    found: dict[str, list[str]] = {}
    above: list[str] = []
    for marks, name in re.findall(
        r"^([│├└─ ]*)([A-Z]\w+(?:Error|\b))", errors.__doc__, re.MULTILINE
    ):
        if marks or name == "GatewayError":
            del above[len(marks) // 4 :]
            found[name] = list(above)
            above.append(name)
    return found


def test_the_tree_that_is_drawn_is_the_tree_that_there_is() -> None:
    classes = {
        name: found
        for name, found in vars(errors).items()
        if inspect.isclass(found) and issubclass(found, errors.GatewayError)
    }
    drawn = tree()
    assert drawn.keys() == classes.keys()
    for name, ancestors in drawn.items():
        parents = [base.__name__ for base in classes[name].__mro__[1:] if base.__name__ in classes]
        assert parents[::-1] == ancestors, name


def test_texts_name_the_file_and_every_problem() -> None:
    error = errors.DocumentError(["a: wrong", "b: wrong"], "routes.yaml")
    assert str(error) == "routes.yaml: a: wrong\nroutes.yaml: b: wrong"
    assert errors.UnresolvedReference(["{vault://env/B}", "{vault://env/A}"]).errors == [
        "vault reference {vault://env/A} does not resolve",
        "vault reference {vault://env/B} does not resolve",
    ]
