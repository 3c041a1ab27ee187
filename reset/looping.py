"""Whether a text repeats itself, as small models do that never end; asked of answers before and after judging."""

PIECE = 16  # characters; see `loops`


def loops(text: str) -> bool:
    """Whether more than half of the text's runs of `PIECE` characters have stood in it before.

    The share of repeated n-grams (Welleck et al. 2020, "Neural text generation with unlikelihood training"), of
    characters instead of words, so that no script needs a word splitter. Letter case and the kind of blanks do not
    count. A sentence said three times in a row loops, twice does not.
    """
    plain = " ".join(text.casefold().split())
    pieces = [plain[start : start + PIECE] for start in range(len(plain) - PIECE + 1)]
    return 2 * len(set(pieces)) < len(pieces)
