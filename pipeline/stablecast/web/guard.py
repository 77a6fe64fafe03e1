"""What stands before the app: every request comes from this machine's own page, and every answer carries the same headers.

A page of another origin can send requests here and can point a name of its own at this machine. So the name asked for must be
exactly ours, port included; a browser that says it asks for another site is refused; and no answer may be kept, framed,
sniffed, or read by anybody else. Refusals are constant texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; "
        "font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": (
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=()"
    ),
}
SAFE: Final = ("GET", "HEAD")
METHODS: Final = (*SAFE, "POST", "PATCH")


@dataclass(frozen=True, slots=True)
class Address:
    """Where one app is asked for: the one name it answers to."""

    scheme: str
    host: str
    port: int

    @property
    def netloc(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.netloc}"


Refusal = tuple[str, str]  # status line, sentence
Gate = Callable[["WSGIEnvironment", Address], Refusal | None]


def known_host(environ: WSGIEnvironment, address: Address) -> Refusal | None:
    """Refuses every name but ours. Two `Host` lines arrive joined by a comma, and are no name of ours either."""
    if environ.get("HTTP_HOST") == address.netloc and environ.get("REQUEST_URI", "/").startswith("/"):
        return None
    return "421 Misdirected Request", "This address is not served here."


def known_method(environ: WSGIEnvironment, _: Address) -> Refusal | None:
    """Refuses methods that no route has, preflights among them."""
    return None if environ["REQUEST_METHOD"] in METHODS else ("405 Method Not Allowed", "This is not done here.")


def own_origin(environ: WSGIEnvironment, address: Address) -> Refusal | None:
    """Refuses what a page of another origin sends, but for a link that somebody follows.

    A form of ours names no origin, because our pages name no referrer; the browser's own word that it is ours has to stand by it.
    """
    origin, site = environ.get("HTTP_ORIGIN"), environ.get("HTTP_SEC_FETCH_SITE")
    followed = environ["REQUEST_METHOD"] in SAFE and environ.get("HTTP_SEC_FETCH_MODE") == "navigate"
    ours = origin in (None, address.origin) or (origin == "null" and site == "same-origin")
    if ours and (site in (None, "same-origin") or (site == "none" and environ["REQUEST_METHOD"] in SAFE) or followed):
        return None
    return "403 Forbidden", "This was not sent by a page of ours."


GATES: Final[tuple[Gate, ...]] = (known_host, known_method, own_origin)


@dataclass(frozen=True)
class Guard:
    """An app behind its gates. `gates` and `headers` are parameters so that a test can see what each of them is for."""

    app: WSGIApplication
    address: Address
    gates: tuple[Gate, ...] = GATES
    headers: Mapping[str, str] | None = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        always = HEADERS if self.headers is None else self.headers

        def start(status: str, headers: list[tuple[str, str]], *rest: object) -> Callable[[bytes], object]:
            own = [(name, value) for name, value in headers if name not in always and name != "Server"]
            return start_response(status, [*own, *always.items()], *rest)  # type: ignore[arg-type]

        for gate in self.gates:
            refusal = gate(environ, self.address)
            if refusal is not None:
                status, sentence = refusal
                body = sentence.encode() + b"\n"
                start(status, [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))])
                return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
        return self.app(environ, start)
