"""A model's own chat template: what it writes around one message and one reply.

A training row is what the template makes of the whole conversation, a prompt the part of it before the reply. Both have
the ids of the tokenizer's own `apply_chat_template(..., tokenize=True)`, where the data holds no special token. So what
stands before a reply is what the template writes there in a conversation, which need not be its generation prompt:
Qwen3 closes an empty thought first, and a DeepSeek-R1 distillate opens one in its generation prompt alone.

The template is rendered with placeholders (`frame`), and once more for each training row (`agrees`). The date that it
sees is fixed. Special tokens come from the template alone: the same characters in data are encoded as text
(`reset.model.tokens`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reset.errors import ResetError
from reset.model import rendering
from reset.model.prompts import CHAT
from reset.model.rendering import ASKED, SAID

if TYPE_CHECKING:  # transformers takes seconds to import
    from transformers import PreTrainedTokenizerBase

BLANKS = " \n\t\r\u00a0\u3000"
REPLIES = (SAID, "The", "a", "1", "(")  # what a token that holds the blank before a reply may go on with


@dataclass(frozen=True)
class Options:
    """What a chat template is told beside the messages: a row of params.yaml (`template_options`)."""

    system: str | None = None  # the system prompt; None: the template's own, or none
    arguments: Mapping[str, Any] = field(default_factory=dict)  # such as `enable_thinking: false`


PLAIN = Options()


@dataclass(frozen=True)
class Trim:
    """The characters that a template takes off the two ends of a text, as in `str.strip`: None is any white space."""

    left: str | None
    right: str | None

    def __call__(self, text: str) -> str:
        """Return `text` without them."""
        return text.lstrip(self.left).rstrip(self.right)

    def taken(self, text: str) -> int:
        """Return how many characters are taken off the left end."""
        return len(text) - len(text.lstrip(self.left))


@dataclass(frozen=True)
class Frame:
    """What a chat template writes around one message and one reply."""

    head: str  # before the message
    tail: str  # after the message, up to where a reply is sampled
    lead: str  # blanks behind `tail` that belong to the first token of a reply
    after: str  # after the reply
    close: str  # the part of `after` up to and including the token that ends the reply
    end: int  # that token, the last one trained
    written: bool  # whether the template writes it; else it is the tokenizer's end token, put behind the reply
    special: Mapping[int, str]  # ids that may come only from the template, with their text
    asked: Trim
    said: Trim
    own: str | None  # the template's own generation prompt where it differs: the text after the message
    options: Options

    def reply(self, text: str) -> str:
        """Return a sampled answer without the blanks that the template writes around a reply."""
        blank = self.close[: len(self.close) - len(self.close.lstrip())] if self.written else ""
        return text.removeprefix(self.lead).removesuffix(blank)


def frame(tokenizer: "PreTrainedTokenizerBase", template: str, options: Options = PLAIN) -> Frame | None:
    """Return the frame of the tokenizer's chat template if `template` is "chat", else None.

    Raises `ResetError` if there is no chat template, if it does not take one of the `options`, and if what it makes of
    a message and a reply cannot be told apart, or leaves a thought open before the reply.
    """
    if template != CHAT:
        return None
    rendering.check_arguments(tokenizer, options.arguments)
    where = f"{tokenizer.name_or_path}: its chat template"
    conversation = turns(options, ASKED, SAID)
    head, header, after = rendering.around(tokenizer, conversation, options.arguments)
    if options.system is not None and options.system.strip() not in head:
        raise ResetError(f"{where} does not write the system prompt (params.yaml: template_options.system)")
    if thought := rendering.open_thought(header):
        raise ResetError(f"{where} opens a thought before a reply, '{thought}', and does not close it")
    special = {int(id): token.content for id, token in tokenizer.added_tokens_decoder.items() if token.special}
    close, end = _end(tokenizer, after, special)
    asked, said = (_trim(tokenizer, options, spot) for spot in (ASKED, SAID))
    prompt = rendering.render(tokenizer, turns(options, ASKED), options.arguments, prompt=True)
    own = prompt.removeprefix(head + ASKED) if prompt.startswith(head + ASKED) else None
    tail = _tail(tokenizer, head + ASKED, header, own, close)
    whole = head + ASKED + header + SAID + after
    if list(_ids(tokenizer, whole)) != rendering.ids(tokenizer, conversation, options.arguments):
        raise ResetError(f"{where} is not read as plain text: its own ids are others")
    return Frame(
        head=head,
        tail=tail,
        lead=header.removeprefix(tail),
        after=after,
        close=close,
        end=int(tokenizer.eos_token_id) if end is None else end,
        written=end is not None,
        special=special,
        asked=asked,
        said=said,
        own=None if prompt == head + ASKED + tail else prompt.removeprefix(head + ASKED),
        options=options,
    )


def turns(options: Options, message: str, reply: str | None = None) -> list[dict[str, str]]:
    """Return a conversation of one message, with the system prompt of `options` and a `reply`, if there are any."""
    system = [] if options.system is None else [{"role": "system", "content": options.system}]
    replies = [] if reply is None else [{"role": "assistant", "content": reply}]
    return [*system, {"role": "user", "content": message}, *replies]


def conversation_text(chat: Frame, message: str, reply: str) -> str:
    """Return what `chat` makes of a message and a reply, up to the token that ends it."""
    return chat.head + chat.asked(message) + chat.tail + chat.lead + chat.said(reply) + chat.close


def agrees(tokenizer: "PreTrainedTokenizerBase", chat: Frame, message: str, reply: str) -> bool:
    """Return whether the template itself writes `conversation_text` of this message and reply."""
    own = rendering.render(tokenizer, turns(chat.options, message, reply), chat.options.arguments)
    return own.startswith(conversation_text(chat, message, reply))


def own_ids(tokenizer: "PreTrainedTokenizerBase", chat: Frame, message: str, reply: str) -> list[int]:
    """Return the ids of the tokenizer's own `apply_chat_template` of the whole conversation, with what follows it."""
    return rendering.ids(tokenizer, turns(chat.options, message, reply), chat.options.arguments)


def _end(tokenizer: "PreTrainedTokenizerBase", after: str, special: Collection[int]) -> tuple[str, int | None]:
    """Return the text after a reply up to the first special token, and that token; "" and None if there is none.

    Without a special token, it is the first that was added to the vocabulary and is no blank.
    """
    encoded = tokenizer(after, add_special_tokens=False, split_special_tokens=False, return_offsets_mapping=True)
    found = list(zip(encoded["input_ids"], encoded["offset_mapping"], strict=True))
    added = {id for id, token in tokenizer.added_tokens_decoder.items() if token.content.strip()}
    for ends in (special, added):
        for id, (_, last) in found:
            if id in ends:
                return after[:last].rstrip(), id  # a token may take blanks after it, too
    return "", None


def _trim(tokenizer: "PreTrainedTokenizerBase", options: Options, spot: str) -> Trim:
    """Return which blanks the template takes off the text at `spot`; `ResetError` if it does something else to them."""
    plain = rendering.render(tokenizer, turns(options, ASKED, SAID), options.arguments)
    taken: dict[str, str] = {"left": "", "right": ""}
    for blank in BLANKS:
        put = [blank + one + blank if one == spot else one for one in (ASKED, SAID)]
        text = rendering.render(tokenizer, turns(options, *put), options.arguments)
        shown = {
            plain.replace(spot, left + spot + right): (not left, not right)
            for left in ("", blank)
            for right in ("", blank)
        }
        if text not in shown:
            raise ResetError(f"{tokenizer.name_or_path}: its chat template changes the blanks around a message")
        for side, gone in zip(taken, shown[text], strict=True):
            taken[side] += blank if gone else ""
    return Trim(*(None if chars == BLANKS else chars for chars in taken.values()))


def _tail(tokenizer: "PreTrainedTokenizerBase", before: str, header: str, own: str | None, close: str) -> str:
    """Return the part of `header`, the text between message and reply, after which a reply's first token comes.

    It is the generation prompt if only blanks follow that. A blank before a reply is mostly part of the reply's first
    token, as in " yes". Raises `ResetError` if the tokenizer joins the reply with what stands before it.
    """
    candidates = [header.rstrip(" "), header, header.rstrip()]
    if own is not None and header.startswith(own) and not header[len(own) :].strip():
        candidates.insert(0, own)
    wholes = [_ids(tokenizer, before + header + reply + close) for reply in REPLIES]
    for tail in candidates:
        prompt = _ids(tokenizer, before + tail)
        if all(whole[: len(prompt)] == prompt for whole in wholes):
            return tail
    where = f"{tokenizer.name_or_path}: its tokenizer"
    raise ResetError(f"{where} joins a reply with what its chat template writes before it, '{header}'")


def _ids(tokenizer: "PreTrainedTokenizerBase", text: str) -> Sequence[int]:
    ids: Sequence[int] = tokenizer(text, add_special_tokens=False, split_special_tokens=False)["input_ids"]
    return ids
