"""What `/help` says: the commands, or all about one of them.

Law: every command is named, with what most people want explained; what does not fit in a row goes on under itself.
"""

import textwrap
from typing import Final

from client import commands, show
from client.commands import Command
from client.mode import Mode
from client.teller import Teller

LEAST: Final = 24  # columns beside what is typed


class HelpVerbs:
    _mode: Mode
    _teller: Teller

    async def do_help(self, command: Command) -> None:
        if command.args:
            self._help_about(command.args[0])
            return
        say = self._teller.say
        forms = [(form.usage, form.what) for form in commands.VERBS.values() if form.group == "most"]
        for usage, what in [("TEXT", "say it in the room (//TEXT says /TEXT)"), *forms]:
            if self._mode.terminal.linear:
                say(f"{usage}: {what}", "text")
            else:
                self._say_beside(f"  {usage:<20} ", what)
        more = [form.usage.split()[0] for form in commands.VERBS.values() if form.group == "more"]
        self._say_beside("  more: ", " ".join(more))
        mails = [form.usage.split()[0] for form in commands.VERBS.values() if form.group == "mail"]
        self._say_beside("  about mail: ", " ".join(mails))
        others = sorted(commands.OTHER_WORDS, key=lambda word: (word[0].isalpha(), word))
        self._say_beside("  words of other chat programs work too: ", " ".join(others))

    def _say_beside(self, first: str, what: str) -> None:
        """`what` after `first`, broken under itself where the screen is too narrow for it."""
        hang = len(first) if len(first) <= LEAST else 4
        width, indent = max(hang + LEAST, self._mode.terminal.width()), " " * hang
        rows = [first + what]
        if not self._mode.terminal.linear:
            rows = textwrap.wrap(first + what, width, subsequent_indent=indent, break_on_hyphens=False)
        for row in rows:
            self._teller.say(row, "text")

    def _help_about(self, asked: str) -> None:
        known = commands.WORDS
        verb = known.get(asked.lower()) or known.get(f"/{asked.lower()}")
        if verb is None:
            self._teller.say(f"-- no command {show.word(asked)}: /help lists them", "error")
            return
        form = commands.VERBS[verb]
        same = " ".join(word for word, meant in known.items() if meant == verb and word != form.usage.split()[0])
        self._teller.say(f"  {form.usage}: {form.what}{f'; the same: {same}' if same else ''}", "text")
