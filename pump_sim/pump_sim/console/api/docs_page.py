"""A page for people that lists the operations; what each takes in full is in the document."""

from collections.abc import Iterable
from html import escape
from typing import Final

from starlette.responses import HTMLResponse

from pump_sim.console.api.document import path_parameters
from pump_sim.console.api.operation import BASE, Operation
from pump_sim.notice import SIMULATOR_NOTICE

_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>pump-sim control API</title>
<link rel="icon" href="/static/shared/icon.svg">
<link rel="stylesheet" href="/static/shared/base.css">
</head>
<body>
<header><p>{notice}</p></header>
<main>
<h1>pump-sim control API</h1>
<p>For programs there is an
<a href="{base}/openapi.json">OpenAPI document</a>, from which clients can be generated.</p>
<table>
<thead><tr><th scope="col">Operation</th><th scope="col">Path</th><th scope="col">Takes</th>
<th scope="col">What it does</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</main>
</body>
</html>
"""


def docs_page(operations: Iterable[Operation]) -> HTMLResponse:
    """The page of these operations."""
    rows = "\n".join(map(_row, operations))
    return HTMLResponse(_PAGE.format(notice=escape(SIMULATOR_NOTICE), base=BASE, rows=rows))


def _row(operation: Operation) -> str:
    fields = [*path_parameters(operation)]
    fields += [each.name for each in (*operation.query, *(operation.body or ()))]
    cells = (
        f"<td><code>{operation.name}</code></td>",
        f"<td><code>{operation.method.upper()} {BASE}{escape(operation.path)}</code></td>",
        f"<td>{', '.join(f'<code>{each}</code>' for each in fields)}</td>",
        f"<td>{escape(operation.summary)}</td>",
    )
    return f"<tr>{''.join(cells)}</tr>"
