"""How much a step found and deleted: files, bytes, rows, runs."""

Amounts = dict[str, int]


def at_least(one: Amounts, other: Amounts) -> Amounts:
    """Return the larger one of each amount: what two looks at the same things found."""
    return {name: max(one.get(name, 0), other.get(name, 0)) for name in (one | other)}


def together(one: Amounts, other: Amounts) -> Amounts:
    """Return the sums of amounts."""
    return {name: one.get(name, 0) + other.get(name, 0) for name in (one | other)}


def in_words(amounts: Amounts) -> str:
    """Return amounts for people to read."""
    return ", ".join(f"{count:,} {name}" for name, count in amounts.items() if count) or "nothing"
