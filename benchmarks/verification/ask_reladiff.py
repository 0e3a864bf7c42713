"""Asks reladiff about pairs of tables; runs in its environment, not in ours. Arguments: URL, JSON list of [source, target]."""

import json
import sys

import reladiff

KEY, COLUMNS = ("debt_id",), ("listing_id", "holder", "principal", "interest", "end_date", "name")


def main() -> None:
    """One JSON line a pair and algorithm: how many keys differ, or the error."""
    url, pairs = sys.argv[1], json.loads(sys.argv[2])
    for algorithm in ("hashdiff", "joindiff"):
        for pair in pairs:
            print(
                json.dumps({"algorithm": algorithm, "target": pair[1], "said": said(url, pair, algorithm)}), flush=True
            )


def said(url: str, pair: list[str], algorithm: str) -> str:
    """What it finds."""
    sides = [reladiff.connect_to_table(url, ("cases", name), KEY, extra_columns=COLUMNS) for name in pair]
    try:
        keys = {row[0] for _, row in reladiff.diff_tables(*sides, algorithm=reladiff.Algorithm(algorithm))}
    except ValueError as fault:
        return f"stops: {fault}"
    return f"{len(keys)} key{'s' * (len(keys) > 1)}" if keys else "nothing"


if __name__ == "__main__":
    main()
