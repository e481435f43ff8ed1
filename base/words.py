"""What a person types into a search, as a query of SQLite's FTS5. Pure.

Law: it never reaches the query syntax: it is taken apart into quoted words.
"""


def quote(text: str) -> str:
    """`text` as an FTS5 query: its words as strings (a quote is doubled, sqlite.org/fts5.html section 3.1), all of
    which must be there; a word that ends in * is a beginning. Empty when there is no word in it.

    Beginnings are asked for and not guessed: over ten million lines a common one costs 400 ms, a whole word half a
    millisecond, since only its newest lines are read.
    """
    words = [word for word in text.split() if any(sign.isalnum() for sign in word)]
    return " ".join(_quoted(word) for word in words)


def _quoted(word: str) -> str:
    beginning = "*" if word.endswith("*") else ""
    return '"' + word.rstrip("*").replace('"', '""').replace("\0", "") + '"' + beginning
