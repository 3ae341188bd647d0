"""Serves the page, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from socket import socket
from urllib.parse import urlsplit

from aiohttp import web

from dgm_cli.dashboard.page import Page

_WILDCARDS = ("0.0.0.0", "::")
_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


class Server:
    """Answers from a page on a bound socket.  `host` is where that was bound."""

    def __init__(self, page: Page, host: str, bound: socket) -> None:
        self.port = int(bound.getsockname()[1])
        self._page = page
        self._host = host
        self._bound = bound
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        application = web.Application()
        application.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.0)

    def start(self) -> None:
        """Begins to answer."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._begin(), self._loop).result()

    def stop(self) -> None:
        """Ends it."""
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _begin(self) -> None:
        await self._runner.setup()
        await web.SockSite(self._runner, self._bound).start()

    async def _answer(self, request: web.Request) -> web.Response:
        # Someone elsewhere knows this machine by the name that they asked for.
        asked = urlsplit(f"//{request.headers.get('Host', '')}").hostname
        host = asked if asked and self._host in _WILDCARDS else self._host
        shown = f"[{host}]" if ":" in host else host
        # In a thread: it reads files, and asks Ray.
        answer = await asyncio.to_thread(self._page.answer, request.path, shown)
        if answer is None:
            raise web.HTTPNotFound
        kind, policy, text = answer
        headers = {"Content-Type": f"{kind}; charset=utf-8", "Content-Security-Policy": policy, **_HEADERS}
        return web.Response(body=text.encode(), headers=headers)
