"""The thoughts of reasoning models: what stands before an answer between tags such as `<think>` and `</think>`."""

import re

_TAGS = ("analysis", "reasoning", "reflection", "scratchpad", "think", "thinking", "thought", "thoughts")
_THOUGHTS = {  # start of a thought -> its end
    **{f"<{name}>": f"</{name}>" for name in (*_TAGS, "longcat_think", "seed:think")},
    "[think]": "[/think]",
    "\u25c1think\u25b7": "\u25c1/think\u25b7",
    "<|begin_of_thought|>": "<|end_of_thought|>",
    "<|start_thinking|>": "<|end_thinking|>",
    "<|channel|>analysis": "<|channel|>final<|message|>",
    "<|channel>thought": "<channel|>",
}
_OPENING = re.compile(rf"\s*(?:{'|'.join(f'({re.escape(start)})' for start in _THOUGHTS)})", re.IGNORECASE)
_CLOSING = [re.compile(re.escape(end), re.IGNORECASE) for end in _THOUGHTS.values()]


def without_thoughts(text: str) -> str | None:
    """Return what follows the thoughts of a text; None if the last one is not closed."""
    at = 0
    while opened := _OPENING.match(text, at):
        closed = _CLOSING[(opened.lastindex or 1) - 1].search(text, opened.end())
        if closed is None:
            return None
        at = closed.end()
    for closing in _CLOSING:  # where a template opened the thought, the text has its end alone
        closed = closing.search(text, at)
        at = closed.end() if closed else at
    return text[at:]
