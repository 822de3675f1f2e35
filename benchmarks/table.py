"""A record as a table for people."""

from collections.abc import Iterator, Mapping
from typing import Any


def table(record: Mapping[str, Any]) -> str:
    """All groups of a record, a line per row."""
    return "\n".join(line for group in record["groups"] for line in _group(group))


def _group(group: Mapping[str, Any]) -> Iterator[str]:
    columns: Mapping[str, str] = group["columns"]
    widths = [max(9, len(heading)) for heading in columns]
    yield ""
    headings = "  ".join(heading.rjust(width) for heading, width in zip(columns, widths, strict=True))
    names = [f"{row['who']}: {row['setup']}" for row in group["rows"]]
    longest = max(map(len, names))
    yield f"{group['title']}\n{'':{longest}}  {headings}"
    for name, row in zip(names, group["rows"], strict=True):
        cells = [_cell(row, value).rjust(width) for value, width in zip(columns.values(), widths, strict=True)]
        yield "  ".join([name.ljust(longest), *cells, _verdict(row)]).rstrip()


def _cell(row: Mapping[str, Any], name: str) -> str:
    found = row["values"].get(name, {}).get("best", row["facts"].get(name))
    if found is None:
        return "-"
    return f"{found:,.0f}" if found >= 1000 or isinstance(found, int) else f"{found:.3g}"


def _verdict(row: Mapping[str, Any]) -> str:
    if row["error"]:
        return f"FAILED: {row['error'].splitlines()[-1]}"
    missed = [f"{t['value']} {t['best']:.3g}, not {t['bound']}" for t in row["targets"] if not t["met"]]
    if missed:
        return "MISS: " + ", ".join(missed)
    bounds = ", ".join(dict.fromkeys(t["bound"] for t in row["targets"]))
    return f"PASS ({bounds})" if bounds else ""
