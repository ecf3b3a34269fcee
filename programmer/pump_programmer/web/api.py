"""The API of the pages: each route a request to the programmer, done when it is its turn."""

from typing import Final

from fastapi import APIRouter

from pump_programmer.web import acting_routes, reading_routes, standing_routes

BASE: Final = "/api/v1"

router = APIRouter(prefix=BASE)
for _each in (standing_routes, reading_routes, acting_routes):
    router.include_router(_each.router)
