"""An answer in JSON that cannot fail on a text, whatever somebody put into it."""

import json
from typing import Any

from starlette.responses import Response


class Json(Response):
    """An answer in JSON, in ASCII: half a surrogate pair, which JSON can spell, has no UTF-8."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The bytes of the answer."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")
