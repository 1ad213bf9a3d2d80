"""The little of jq that the document's example script needs, for machines without jq.

`jq [-r] .a.b[-1].c` reads one JSON value and prints what the path leads to.
"""

import json
import re
import sys


def main() -> None:
    """Print what the path leads to, null where it leads nowhere."""
    raw = "-r" in sys.argv[1:]
    (path,) = (argument for argument in sys.argv[1:] if argument != "-r")
    steps = re.findall(r"\.(\w+)|\[(-?\d+)\]", path)
    rebuilt = "".join(f".{key}" if key else f"[{index}]" for key, index in steps)
    if rebuilt != path:
        sys.exit(f"jq stand-in: cannot do {path}")
    value = json.load(sys.stdin)
    for key, index in steps:
        if key:
            value = value.get(key) if value is not None else None
        else:
            value = value[int(index)] if value else None
    if raw and isinstance(value, str):
        print(value)
    else:
        print(json.dumps(value, ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()
