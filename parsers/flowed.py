"""Text in format=flowed back to paragraphs (RFC 3676). Linear, never raises."""


def _quoting(line: str) -> int:
    depth = 0
    while depth < len(line) and line[depth] == ">":
        depth += 1
    return depth


def unflow(text: str, delsp: bool) -> str:
    """Join lines that were broken softly: a blank at their end, the same quote depth.

    `delsp` says that this blank was added and goes. The signature separator `-- ` is
    never joined.
    """
    out: list[list[str]] = []
    soft_depth = -1
    for line in text.split("\n"):
        depth = _quoting(line)
        content = line[depth:]
        if content.startswith(" "):
            content = content[1:]
        soft = content.endswith(" ") and content != "-- "
        if soft and delsp:
            content = content[:-1]
        if depth == soft_depth and content != "-- ":
            out[-1].append(content)
        else:
            mark = ">" * depth + " " if depth else ""
            out.append([mark + content])
        soft_depth = depth if soft else -1
    return "\n".join("".join(pieces) for pieces in out)
