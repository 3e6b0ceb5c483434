# SPDX-License-Identifier: Apache-2.0
"""The way in and the way out."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway.control_plane.access.authentication import Authentication
from gateway.control_plane.admin.middleware import TOO_MANY
from gateway.control_plane.admin.responses import SAFE
from gateway.control_plane.page.gate import SIGN_IN, session_cookie
from gateway.control_plane.page.session import SessionSealer
from gateway.control_plane.page.view import View
from gateway.control_plane.page.viewer import viewer_of


class SignInPage:
    """``/sign-in`` and ``/sign-out``."""

    def __init__(self, view: View, authentication: Authentication, sealer: SessionSealer) -> None:
        self._view = view
        self._authentication = authentication
        self._sealer = sealer

    def routes(self) -> list[Route]:
        """Return all routes."""
        return [
            Route(SIGN_IN, self.sign_in, methods=["GET", "POST"]),
            Route("/sign-out", self.sign_out, methods=["POST"]),
        ]

    async def sign_in(self, request: Request) -> Response:
        """Ask for a token, and keep it sealed in a cookie where it is valid."""
        target = _inside(request.query_params.get("next", "/"))
        if request.method in SAFE:
            if viewer_of(request) is not None:
                return RedirectResponse(target, 303)
            return self._view.render(request, "sign_in.html", problem="")
        given = (await self._view.form(request)).get("token", "").strip()
        if given and self._authentication.authenticate(given) is not None:
            headers = {"Set-Cookie": session_cookie(self._sealer.seal(given), request.url.scheme)}
            return RedirectResponse(target, 303, headers)
        (address, _) = request.scope["client"]
        if given and not await self._authentication.wrong.wait(address, SIGN_IN):
            return self._view.render(request, "sign_in.html", 429, problem=f"{TOO_MANY}.")
        problem = "This token is not valid." if given else "Enter a token."
        return self._view.render(request, "sign_in.html", 401, problem=problem)

    async def sign_out(self, request: Request) -> Response:
        """Have the browser forget the cookie."""
        await self._view.form(request)
        headers = {"Set-Cookie": session_cookie("", request.url.scheme)}
        return RedirectResponse(SIGN_IN, 303, headers)


def _inside(target: str) -> str:
    """Return where to go after signing in: a path of ours, never another site."""
    return target if target.startswith("/") and target[1:2] not in ("/", "\\") else "/"
