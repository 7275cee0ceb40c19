"""The listening socket, as the server uses it."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor

from annotator.ui.server import bound_socket


def test_parts_of_an_answer_are_sent_at_once() -> None:
    is_at_once: list[int] = []

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        own = writer.get_extra_info("socket")
        is_at_once.append(own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()
        await writer.wait_closed()

    async def visit() -> None:
        async with await asyncio.start_server(answer, sock=bound_socket("127.0.0.1", 0)) as server:
            port = server.sockets[0].getsockname()[1]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            await reader.read()
            writer.close()
            await writer.wait_closed()

    with ThreadPoolExecutor(1) as thread:  # a browser test may have left a loop in this one
        thread.submit(lambda: asyncio.run(visit())).result()

    assert is_at_once == [1]
