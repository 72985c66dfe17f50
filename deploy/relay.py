"""Runs a command, and beside it lets one address lead to another.

    python relay.py LISTEN TO -- command …

The sandbox listens on its own loopback only, and a token is sent by plain http to one's own machine
only. Containers have a loopback each, so each of them has this relay: the rules stay as they are.
"""  # noqa: INP001 - scripts, no package

import asyncio
import os
import signal
import sys


def main(arguments: list[str]) -> int:
    """Relay until the command ends; return its exit code."""
    listen, to, _, *command = arguments
    return asyncio.run(_run(_address(listen), _address(to), command))


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


async def _run(listen: tuple[str, int], to: tuple[str, int], command: list[str]) -> int:
    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await asyncio.open_connection(*to)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_copy(reader, there[1]), _copy(there[0], writer))

    server = await asyncio.start_server(relay, *listen)
    process = await asyncio.create_subprocess_exec(*command)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        asyncio.get_running_loop().add_signal_handler(number, _pass_on, process.pid, number)
    async with server:
        code = await process.wait()
    # Ended by a signal: what a shell says then.
    return code if code >= 0 else 128 - code


def _pass_on(pid: int, number: signal.Signals) -> None:
    os.kill(pid, number)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until one of the two ends, and let the other one know."""
    try:
        while part := await reader.read(65536):
            writer.write(part)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
