"""The terminal with line editing (prompt_toolkit): typed input stays whole while lines come in above it.

Law: the only module of the line mode that knows the library.
"""

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import ANSI
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import create_input
from prompt_toolkit.output import create_output
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.patch_stdout import patch_stdout
from prompt_toolkit.shortcuts import CompleteStyle
from prompt_toolkit.utils import get_cwidth

from client.show import Spans
from client.terminal import Cancelled, Interrupted, coloured, columns, no_echo
from client.wrapping import wrap

Words = Callable[[str, bool], Iterable[str]]  # (what was typed, whether it begins the line) → words it may become


class EditingTerminal:
    interactive = True
    linear = False
    typed_is_seen = False

    def __init__(self, *, colours: bool) -> None:
        self.words: Words = lambda _typed, _first: ()
        self._colours = colours
        output = create_output(stdout=sys.stdout)
        if isinstance(output, Vt100_Output):
            output.enable_cpr = False  # nothing here needs the cursor's position, and not every terminal tells it
        keys = create_input()
        vars(keys)["cooked_mode"] = contextlib.nullcontext  # its own would echo what is typed while a line is written
        self._talk: PromptSession[str] = PromptSession(
            input=keys,
            output=output,
            history=InMemoryHistory(),
            completer=_Completer(self),
            complete_while_typing=False,
            complete_style=CompleteStyle.READLINE_LIKE,
            erase_when_done=True,  # what was said is shown when the room has it
        )
        self._question: PromptSession[str] = PromptSession(input=keys, output=output)
        self._asking: PromptSession[str] | None = None

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Within it everything written goes above what is being typed, and nothing is echoed by the system: what is
        typed while nobody asks is read, and shown, by the next question."""
        with no_echo(sys.stdin.fileno(), by_key=True), patch_stdout(raw=True):
            yield

    async def ask(self, prompt: Callable[[], str], *, hidden: bool = False, talk: bool = False) -> str:
        session = self._talk if talk else self._question
        self._asking = session
        try:
            return await session.prompt_async(
                lambda: ANSI(self._paint([("room" if talk else "title", prompt())])),
                is_password=hidden,
                handle_sigint=False,
            )
        except KeyboardInterrupt:
            raise Cancelled from None
        finally:
            self._asking = None

    def interrupt(self, why: type[Exception] = Interrupted) -> None:
        if self._asking is not None and self._asking.app.is_running and not self._asking.app.is_done:
            self._asking.app.exit(exception=why())

    def write(self, spans: Spans) -> None:
        for row in wrap(spans, columns(), get_cwidth):
            sys.stdout.write(self._paint(row) + "\n")
        sys.stdout.flush()

    def width(self) -> int:
        return columns()

    def _paint(self, spans: Spans) -> str:
        return coloured(spans) if self._colours else "".join(text for _, text in spans)


class _Completer(Completer):
    def __init__(self, terminal: EditingTerminal) -> None:
        self._terminal = terminal

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:  # noqa: ARG002
        before = document.text_before_cursor
        typed = before.rsplit(" ", 1)[-1]
        for word in self._terminal.words(typed, typed == before):
            yield Completion(word, start_position=-len(typed))
