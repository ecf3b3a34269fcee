"""One request to the programmer: which page asks, and how what it asks for is done in its turn."""

import re
from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar

from fastapi import Depends, Request

from pump_programmer.web.office import Office

T = TypeVar("T")
Answer = dict[str, Any]

_PAGE_NAME: Final = re.compile(r"[A-Za-z0-9-]{1,40}")


class Visit:
    """One request: which page asks, and whom."""

    def __init__(self, request: Request) -> None:
        self.office: Office = request.app.state.office
        given = request.headers.get("pump-page", "")
        self.page = given if _PAGE_NAME.fullmatch(given) else "-"

    async def ask(self, doing: str, job: Callable[[], T]) -> T:
        """Have it done, when it is its turn."""
        return await self.office.do(self.page, doing, job)


Asks = Annotated[Visit, Depends(Visit)]
