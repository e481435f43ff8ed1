"""What a word may become by Tab: commands, names, rooms, emoji. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final

from client import commands
from wire.names import fold

# The words people type most; a signal is one character of Unicode that every font has.
EMOJI: Final = {
    "smile": "🙂", "grin": "😀", "joy": "😂", "wink": "😉", "sad": "🙁", "cry": "😢", "angry": "😠", "cool": "😎",
    "think": "🤔", "shrug": "🤷", "sleep": "😴", "scream": "😱", "kiss": "😘", "heart": "💜", "broken_heart": "💔",
    "thumbsup": "👍", "thumbsdown": "👎", "clap": "👏", "wave": "👋", "pray": "🙏", "ok": "👌", "muscle": "💪",
    "eyes": "👀", "fire": "🔥", "party": "🎉", "gift": "🎁", "star": "⭐", "sparkles": "✨", "rocket": "🚀",
    "bug": "🐛", "check": "✅", "cross": "❌", "warning": "🚧", "question": "❓", "exclamation": "❗", "bulb": "💡",
    "lock": "🔒",
    "key": "🔑", "bell": "🔔", "pin": "📌", "memo": "📝", "book": "📖", "mail": "📧", "phone": "📱", "computer": "💻",
    "clock": "🕐", "hourglass": "⏳", "coffee": "☕", "tea": "🍵", "beer": "🍺", "wine": "🍷", "cake": "🍰",
    "pizza": "🍕", "apple": "🍎", "dog": "🐶", "cat": "🐱", "snake": "🐍", "penguin": "🐧", "whale": "🐳", "tree": "🌳",
    "sun": "🌞",
    "moon": "🌙", "rain": "🌧", "snow": "⛄", "rainbow": "🌈", "earth": "🌍", "ghost": "👻", "robot": "🤖",
    "skull": "💀",
    "poop": "💩", "100": "💯", "music": "🎵", "soccer": "⚽", "game": "🎮", "dice": "🎲", "trophy": "🏆", "medal": "🏅",
}  # fmt: skip


def words(typed: str, first: bool, people: Sequence[str], rooms: Iterable[str]) -> list[str]:
    """What `typed` may become; `first`: it begins the line, where a name is spoken to."""
    if first and typed.startswith("/"):
        return [f"{word} " for word in sorted(commands.SLASH) if word.startswith(typed.lower())]
    if typed.startswith("@"):
        return [f"@{name} " for name in people if fold(name).startswith(fold(typed[1:]))]
    if typed.startswith(":") and len(typed) > 1:
        return [f"{sign} " for word, sign in EMOJI.items() if word.startswith(typed[1:].lower())]
    if not typed:
        return []
    return [f"{name}{': ' if first else ' '}" for name in (*people, *rooms) if fold(name).startswith(fold(typed))]
