"""Pictures that are being sent: each has a deadline, and all together a bound on their bytes."""

import asyncio
from types import TracebackType

from starlette.exceptions import HTTPException
from starlette.requests import Request

from lenetkit.demo._workers import BusyError

__all__ = ["SECONDS_TO_SEND", "Room", "receive", "wait_until_gone"]

SECONDS_TO_SEND = 30.0
"""A picture of 10 MB takes 27 seconds at 3 Mbit/s."""

# A browser shows an answer only after it has sent all of its image.
_MOST_DISCARDED = 20
# The first bytes of each picture do not count: a drawing comes in however much is being sent by others.
_UNCOUNTED = 2**18


class Room:
    """Bytes of all pictures that are being sent, wait or are worked on.

    Parameters
    ----------
    most : int
        Bytes, of which the first 256 KiB of each picture do not count.
    """

    def __init__(self, most: int) -> None:
        self._free = most

    def open(self) -> "Seat":
        """Return the part of one picture, to be used in a with statement."""
        return Seat(self)

    def reserve(self, size: int) -> bool:
        """Reserve bytes, and tell if there was room for them."""
        if size > self._free:
            return False
        self._free -= size
        return True

    def give_back(self, size: int) -> None:
        """Give bytes back."""
        self._free += size


class Seat:
    """The bytes of one picture in the room."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._taken = 0

    def __enter__(self) -> "Seat":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.leave()

    def grow(self, size: int) -> bool:
        """Take room for a picture of so many bytes, and tell if there was any."""
        wanted = max(0, size - _UNCOUNTED) - self._taken
        if wanted > 0:
            if not self._room.reserve(wanted):
                return False
            self._taken += wanted
        return True

    def leave(self) -> None:
        """Give all bytes back."""
        self._room.give_back(self._taken)
        self._taken = 0


async def receive(request: Request, most: int, seat: Seat) -> bytes:
    """Return the bytes that were sent; what cannot be kept is read, up to a limit, so that the answer is heard.

    Raises
    ------
    HTTPException
        If there are none, too many, or not all of them in time.
    BusyError
        If the room is full.
    """
    try:
        async with asyncio.timeout(SECONDS_TO_SEND):
            return await _receive(request, most, seat)
    except TimeoutError:
        raise HTTPException(
            408,
            f"the picture did not arrive within {SECONDS_TO_SEND:g} seconds. Scale it down.",
            {"Connection": "close"},
        ) from None


async def _receive(request: Request, most: int, seat: Seat) -> bytes:
    kept: list[bytes] = []
    size, is_full = 0, False
    async for chunk in request.stream():
        size += len(chunk)
        is_full = is_full or (size <= most and not seat.grow(size))
        if is_full or size > most:
            kept.clear()
            seat.leave()
        else:
            kept.append(chunk)
        if size > _MOST_DISCARDED * most:
            break
    if size > most:
        raise HTTPException(413, f"the picture must have at most {most / 1e6:g} MB; scale it down or cut it.")
    if is_full:
        raise BusyError
    if not size:
        raise HTTPException(400, "there is no picture: send a picture file as the request's body.")
    return b"".join(kept)


async def wait_until_gone(request: Request) -> None:
    """Return when the visitor has gone; to be called when everything was received."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
