"""An engine whose answers are read in the frame of a model's own chat template."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from reset.engines import Completion, Engine, Request
from reset.model.chat_frame import Frame


@dataclass(frozen=True)
class Framed:
    """`engine`, without the blanks that the chat template itself writes around a reply."""

    engine: Engine
    frame: Frame

    def generate(self, requests: Sequence[Request]) -> Iterator[Completion]:
        """Yield the completions of the engine, as they come."""
        for completion in self.engine.generate(requests):
            yield replace(completion, text=self.frame.reply(completion.text))

    def seen(self, requests: Sequence[Request]) -> list[list[int]]:
        """Return what the engine says of its prompts."""
        return self.engine.seen(requests)
