"""The tables and diagrams of the wire's specification, as Markdown printed from the code."""

import re
from collections.abc import Iterable
from enum import Enum, IntEnum, IntFlag
from types import UnionType
from typing import Any, Final, get_type_hints

import wire_words as words
from markdown_table import summary, table
from pump_protocol import codes, layouts
from pump_protocol import messages as m
from pump_protocol.access import EMERGENCY, MAY_SEND, PAIRING, PLAIN
from pump_protocol.codes import UserRole
from pump_protocol.frames import Frame
from pump_protocol.payloads import encode
from pump_protocol.states import ALLOWED_WHILE_CLOSED, EXCHANGE_TRANSITIONS, LINK_TRANSITIONS

_TYPES: Final = {
    "B": ("u8", 1),
    "H": ("u16", 2),
    "L": ("u32", 4),
    "I": ("u32", 4),
    "Q": ("u64", 8),
    "q": ("i64", 8),
    "32s": ("bytes[32]", 32),
    "48s": ("bytes[48]", 48),
}


# --- Layouts -------------------------------------------------------------------------------------


def _type_and_size(layout: layouts.Layout, hint: Any) -> tuple[str, int | None]:
    format_ = layouts.struct_format(layout)
    if format_ is not None:
        name, size = _TYPES[format_]
        return ("bool" if hint is bool else name), size
    if hint is str:
        return "text", None
    if hasattr(hint, "__args__"):
        return f"list of [{hint.__args__[0].__name__}](#{hint.__args__[0].__name__.lower()})", None
    part = layouts.PARTS[hint]
    sizes = [_type_and_size(each, get_type_hints(hint)[each.name])[1] for each in part.subcons]
    total = None if None in sizes else sum(each for each in sizes if each is not None)
    return f"[{hint.__name__}](#{hint.__name__.lower()})", total


def _meaning(text: str, hint: Any) -> str:
    text = re.sub(r"\bcode ([A-Z]\w+)", r"code [\1](#code-\1)", text)
    text = re.sub(r"\(#code-(\w+)\)", lambda found: f"(#code-{found[1].lower()})", text)
    if isinstance(hint, UnionType) and "never" not in text and "absent" not in text:
        text += ", or never"
    return text


def layout_table(message_class: type[Any], layout: layouts.Layout) -> str:
    """The byte table of a message or a part."""
    if not layout.subcons:
        return "No payload: length 0."
    hints = get_type_hints(message_class)
    rows: list[tuple[object, ...]] = []
    at: int | None = 0
    for each in layout.subcons:
        type_name, size = _type_and_size(each, hints[each.name])
        rows.append(
            (
                "…" if at is None else at,
                "…" if size is None else size,
                f"`{each.name}`",
                type_name,
                _meaning(each.docs, hints[each.name]),
            )
        )
        at = None if at is None or size is None else at + size
    return table(("offset", "size", "field", "type", "meaning"), rows)


def frame_layout() -> str:
    """The byte table of a frame."""
    rows: list[tuple[object, ...]] = []
    at: int | str = 0
    for each in layouts.FRAME.subcons:
        format_ = layouts.struct_format(each)
        if each.name == "start":
            type_name, size = "bytes[2]", 2
        elif each.name == "payload":
            rows.append((at, "length", "`payload`", "bytes", each.docs))
            at = f"{at} + length"
            continue
        else:
            type_name, size = _TYPES[format_ or ""]
        rows.append((at, size, f"`{each.name}`", type_name, each.docs))
        at = at + size if isinstance(at, int) else at
    return table(("offset", "size", "field", "type", "meaning"), rows)


def sealed_layout() -> str:
    """The byte table of a sealed frame's payload, at its offsets in the frame."""
    counter, ciphertext, tag = layouts.SEALED.subcons
    at = codes.HEADER_BYTES + codes.COUNTER_BYTES
    text = f"length - {codes.ENVELOPE_BYTES}"
    behind = codes.HEADER_BYTES - codes.TAG_BYTES
    rows = (
        (codes.HEADER_BYTES, codes.COUNTER_BYTES, f"`{counter.name}`", "u64", counter.docs),
        (at, text, f"`{ciphertext.name}`", "bytes", ciphertext.docs),
        (f"{behind} + length", codes.TAG_BYTES, f"`{tag.name}`", "bytes[16]", tag.docs),
    )
    return table(("offset", "size", "field", "type", "meaning"), rows)


# --- Who may say what ----------------------------------------------------------------------------


def access_by_role() -> str:
    """Which request may be sent how, and with whose key."""
    roles = [*UserRole]
    rows = []
    for message_type, request in m.REQUESTS.items():
        cells = ["yes" if message_type in MAY_SEND[role] else "" for role in roles]
        rows.append(
            (
                f"[{request.__name__}](#{request.__name__.lower()})",
                "yes" if message_type in PLAIN else "",
                "yes" if message_type in PAIRING else "",
                *cells,
            )
        )
    head = ("request", "plain", "pairing code", *(f"`{role.name}`" for role in roles))
    return table(head, rows)


def emergency_messages() -> str:
    """What needs no key, with the whole request as it goes over the wire."""
    rows = []
    for message_type in sorted(EMERGENCY):
        request = m.REQUESTS[message_type]
        response = request.response_class
        frame = Frame(message_type, 0, 1, encode(request())).to_bytes()
        rows.append(
            (
                f"`0x{message_type:02X}`",
                f"[{request.__name__}](#{request.__name__.lower()})",
                f"`0x{response.message_type:02X}`",
                f"[{response.__name__}](#{response.__name__.lower()})",
                f"`{frame.hex(' ')}`",
            )
        )
    return table(("type", "request", "type", "response", "the request with sequence 1"), rows)


def message_list() -> str:
    """Every request with its response."""
    rows = []
    for message_type, request in m.REQUESTS.items():
        response = request.response_class
        without = "yes" if message_type in ALLOWED_WHILE_CLOSED else ""
        rows.append(
            (
                f"`0x{message_type:02X}`",
                f"[{request.__name__}](#{request.__name__.lower()})",
                f"`0x{response.message_type:02X}`",
                f"[{response.__name__}](#{response.__name__.lower()})",
                without,
                summary(request),
            )
        )
    return table(
        ("type", "request", "type", "response", "without a link", "what it does"), rows
    ) + (
        f"\n\n`0x{m.Refusal.message_type:02X}` [Refusal](#refusal) answers any request that is"
        " not carried out."
    )


def message_layouts() -> str:
    """The byte tables of all messages, each response behind its request."""
    parts = []
    for request in m.REQUESTS.values():
        for each in (request, request.response_class):
            parts += [
                f"#### {each.__name__}",
                f"`0x{each.message_type:02X}` {each.message_type.name}. {summary(each)}",
                layout_table(each, layouts.PAYLOADS[each]),
            ]
    parts += [
        "#### Refusal",
        f"`0x{m.Refusal.message_type:02X}` REFUSAL. {summary(m.Refusal)}",
        layout_table(m.Refusal, layouts.PAYLOADS[m.Refusal]),
    ]
    return "\n\n".join(parts)


def part_layouts() -> str:
    """The byte tables of what stands inside payloads."""
    parts = []
    for part, layout in layouts.PARTS.items():
        parts += [f"#### {part.__name__}", summary(part), layout_table(part, layout)]
    return "\n\n".join(parts)


# --- Codes ---------------------------------------------------------------------------------------


def code_tables() -> str:
    """Every code but those of refusals and of the therapy log, which have their own sections."""
    parts = []
    for enum, meanings in words.CODES.items():
        flags = issubclass(enum, IntFlag)
        assert {*meanings} == {int(each) for each in enum}, (
            f"{enum.__name__}: some code is without words"
        )
        rows = [
            (f"bit {each.bit_length() - 1} (`0x{each:02X}`)" if flags else int(each),
             f"`{each.name}`", meanings[each])
            for each in enum
        ]  # fmt: skip
        head = ("bit", "flag", "meaning") if flags else ("code", "name", "meaning")
        parts += [f"#### Code {enum.__name__}", summary(enum), table(head, rows)]
    return "\n\n".join(parts)


def refusal_codes() -> str:
    """The refusal codes."""
    assert set(words.REFUSAL_CODES) == set(codes.RefusalCode)
    return "#### Code RefusalCode\n\n" + table(
        ("code", "name", "meaning", "what a programmer does"),
        ((int(each), f"`{each.name}`", *words.REFUSAL_CODES[each]) for each in codes.RefusalCode),
    )


def field_codes() -> str:
    """The fields that a refusal names."""
    assert set(words.FIELDS) == set(codes.Field)
    return "#### Code Field\n\n" + table(
        ("code", "name", "what it is", "unit of the reason's numbers"),
        ((int(each), f"`{each.name}`", *words.FIELDS[each]) for each in codes.Field),
    )


def refusals_by_request() -> str:
    """Which request may be refused for what."""
    assert set(words.REFUSALS) == set(m.REQUESTS)

    def cell(reasons: Iterable[tuple[IntEnum, IntEnum, str]]) -> str:
        return "<br>".join(f"`{code.name}` / `{field.name}`: {why}" for code, field, why in reasons)

    rows = [("any request", "", cell(words.ANY_REQUEST))]
    for message_type, reasons in words.REFUSALS.items():
        request = m.REQUESTS[message_type]
        rows.append(
            (f"[{request.__name__}](#{request.__name__.lower()})",
             f"[{request.response_class.__name__}](#{request.response_class.__name__.lower()})",
             cell(reasons) or "nothing else")
        )  # fmt: skip
    return table(("request", "response", "may be refused with code / field"), rows)


def limits() -> str:
    """The limits of the wire itself."""
    return _limits(words.LIMITS)


def link_limits() -> str:
    """Those of them that are counted in link time."""
    return _limits(name for name, (unit, _) in words.LIMITS.items() if "link time" in unit)


def _limits(names: Iterable[str]) -> str:
    return table(
        ("limit", "value", "unit", "meaning"),
        ((f"`{name}`", f"{getattr(codes, name):,}", *words.LIMITS[name]) for name in names),
    )


# --- States --------------------------------------------------------------------------------------


def _diagram(transitions: dict[tuple[Any, Any], Any], initial: Enum) -> str:
    def name(state: Enum) -> str:
        return state.name.capitalize()

    lines = ["stateDiagram-v2", f"    [*] --> {name(initial)}"]
    lines += [
        f"    {name(before)} --> {name(after)}: {trigger.value}"
        for (before, trigger), after in transitions.items()
    ]
    return "```mermaid\n" + "\n".join(lines) + "\n```"


def link_states() -> str:
    """The states of a link."""
    return _diagram(LINK_TRANSITIONS, next(iter(LINK_TRANSITIONS))[0])


def exchange_states() -> str:
    """The states of an exchange."""
    diagram = _diagram(EXCHANGE_TRANSITIONS, next(iter(EXCHANGE_TRANSITIONS))[0])
    return diagram.replace("time: identical", "time, identical")  # a colon ends mermaid's label
